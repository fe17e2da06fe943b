"""Anybody verifies a paper: genuine, altered and where, foreign or unknown; nothing is kept and nothing else is told."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from deid.proof import SigningKey, render
from fulfillment.evidence import ATTESTATION, build_document
from fulfillment.models import Release
from fulfillment.services.certificates import certify_batch, release_certificates, signing_key
from fulfillment.services.verifying import MANIFEST, verify_paper
from getdata.audit.models import AuditEvent
from getdata.common import storage
from tests.factories import ReviewerFactory
from tests.fulfillment.test_releases import package, published
from tests.support.images import accepted_batch, sealed_batch

pytestmark = pytest.mark.django_db


def paper(key: SigningKey | None = None) -> bytes:
    sections: dict[str, Any] = {
        "issue": {"issued_at": "2026-11-28T00:00:00Z", "issuer": "GetDATA portal", "subject": {"withdrawal": "7"}},
        "withdrawal": {"what": "Patient GD-1"},
        "attestation": {"organization": "Group", "printed_name": "A. Holder", "in_time": True, "lines": ["Gone."]},
    }
    return render(build_document(ATTESTATION, sections, [("release 1: a", "0" * 64, "2.25.1")], key or signing_key()))


def shown(client: Client, data: bytes | None = None, *, text: str = "", name: str = "paper.json") -> str:
    form: dict[str, Any] = {"text": text}
    if data is not None:
        form["paper"] = SimpleUploadedFile(name, data)
    answer = client.post("/verify/", form)
    assert answer.status_code == 200 and answer["Cache-Control"] == "no-store"
    return answer.content.decode()


def test_anybody_sees_that_a_paper_is_genuine_and_what_it_says_and_nothing_is_kept() -> None:
    client, before = Client(), AuditEvent.objects.count()
    assert "nothing is stored" in client.get("/verify/").content.decode()
    for page in (shown(client, paper()), shown(client, text=paper().decode().replace("\n", "\r\n") + "  \r\n")):
        assert "Genuine" in page and "A. Holder, Group" in page and signing_key().public.hex() not in page
    assert AuditEvent.objects.count() == before and not client.cookies.get("sessionid")
    assert "Choose a file" in client.post("/verify/", {"text": "  "}).content.decode()


def test_each_section_and_each_row_that_was_touched_is_named() -> None:
    whole = json.loads(paper())
    for place, change in {
        "section attestation": lambda d: d["statement"]["attestation"].update(printed_name="B"),
        "section issue": lambda d: d["statement"]["issue"].update(issued_at="2020"),
        "section withdrawal: it was taken out": lambda d: d["statement"].pop("withdrawal"),
        "section more: it was added": lambda d: d["statement"].update(more={}),
        "the list of files is not": lambda d: d["manifest"][0].__setitem__(1, "1" * 64),
        "it does not fit the seal": lambda d: d["signature"].update(value="0" * 128),
    }.items():
        forged = copy.deepcopy(whole)
        change(forged)
        answer = verify_paper(render(forged))
        assert answer.verdict == "altered" and any(place in line for line in answer.places), place
        assert not answer.facts, "what an altered paper says is not told as true"
    spaced = verify_paper(paper().replace(b'": ', b'":  ', 1))
    assert spaced.verdict == "altered" and "bytes were changed" in spaced.places[0]


def test_another_key_is_told_from_an_alteration_and_other_things_are_not_recognised() -> None:
    foreign = verify_paper(paper(SigningKey.generate()))
    assert foreign.verdict == "foreign" and "Anybody can make a key" in foreign.advice
    for raw in (
        b"{}",
        b"[1]",
        b"hello",
        b"%PDF-1.4 ...",
        b"{" * 5000,
        b'{"format": "x", "format": "y"}',
        b"\xff\xfe",
        b" ",
    ):
        assert verify_paper(raw).verdict == "unknown", raw[:20]
    assert verify_paper(b"%PDF-1.4").advice.startswith("This is a reading copy")


def test_the_engines_certificates_are_verified_too() -> None:
    certificate = certify_batch(sealed_batch(images=1).pk)
    assert certificate is not None
    answer = verify_paper(certificate.text.encode())
    assert answer.verdict == "genuine" and ("Images released", "1") in answer.facts
    assert dict(answer.facts)["Measured"].startswith("not measured: ")


def test_a_changed_manifest_is_located_line_by_line_and_what_is_ours_alone_is_only_counted() -> None:
    release: Release = published(
        accepted_batch(images=3).fulfillment.request, ReviewerFactory.create(), ReviewerFactory.create()
    )
    for raw in release_certificates(release).values():
        if raw.startswith(b"{"):
            assert verify_paper(raw).verdict == "genuine"
    manifest = package(release).read(f"{release.archive_name}/{MANIFEST}")
    assert verify_paper(manifest).verdict == "genuine" and verify_paper(manifest, pasted=True).verdict == "genuine"
    lines = manifest.decode().splitlines()
    at = next(number for number, line in enumerate(lines) if "data/dicom/" in line)
    hidden = lines[-1].split("  ")[1]
    forged = [*lines[:at], "0" * 64 + lines[at][64:], *lines[at + 1 : -1], "1" * 64 + "  data/mine.txt"]
    answer = verify_paper("\n".join(forged).encode())
    assert answer.verdict == "altered"
    assert answer.places[0].startswith(f"Line {at + 1}, data/dicom/") and "SHA-256" in answer.places[0]
    assert "data/mine.txt: it was added" in answer.places[1] and answer.places[2] == "1 line was taken out."
    assert hidden not in " ".join(answer.places)

    path = lines[at].split("  ")[1]
    guess = verify_paper(f"{'2' * 64}  {path}\n".encode())
    assert guess.verdict == "unknown", "a path without its digest proves nothing, and so nothing is told of it"
    Release.objects.update(status="draft")
    assert verify_paper(manifest).verdict == "unknown", "a draft is nobody's yet"
    assert storage.released().exists(release.archive)


def test_a_paper_that_is_too_large_or_comes_too_often_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.views.verify.LARGEST", 1000)
    client = Client()
    large = client.post("/verify/", {"paper": SimpleUploadedFile("x.json", b"x" * 100_000)})
    assert large.status_code == 413 and "python -m deid verify-certificate" in large.content.decode()
    monkeypatch.setattr("fulfillment.views.verify._Often.rate", "2/min")
    answers = [client.post("/verify/", {"text": "x"}).status_code for _ in range(3)]
    assert answers == [200, 200, 429]
