"""Evidence packs: all that a privacy officer files, signed, the same bytes again, only for those whose affair it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from deid.proof.command import run_subcommand
from fulfillment.evidence import PACK, check_document, pack_pdf
from fulfillment.models import EvidencePack, Image, Release
from fulfillment.services import custody, evidence, withdrawals
from fulfillment.services.certificates import certify_batch, signing_key
from fulfillment.services.verifying import verify_paper
from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from getdata.common import storage
from getdata.common.problems import CannotDo
from tests.factories import PASSWORD, HospitalFactory, ReviewerFactory, member
from tests.fulfillment.test_releases import published
from tests.support.access import downloader
from tests.support.images import accepted_batch, sealed_batch

pytestmark = pytest.mark.django_db
#: The list in MARKET.md, section "Evidence a privacy officer downloads".
SECTIONS = {
    "issue", "summary", "parties", "specifications", "agreements", "legal_class", "certificates", "quality",
    "chain_of_custody", "recipients", "destruction", "withdrawals", "incidents", "audit", "manifest", "not_claimed",
}  # fmt: skip


def signed_in(person: Any) -> Client:
    client = Client()
    client.force_login(person)
    return client


def made(**of: Any) -> EvidencePack:
    pack = evidence.ask_pack(actor=ReviewerFactory.create(), **of)
    evidence.build_pack(pack.pk)
    pack.refresh_from_db()
    assert pack.is_ready, pack.problem
    return pack


def test_the_pack_of_a_release_tells_the_whole_story_signed_and_the_same_again(tmp_path: Path) -> None:
    batch = accepted_batch(images=3)
    certify_batch(batch.pk)
    release: Release = published(batch.fulfillment.request, ReviewerFactory.create(), ReviewerFactory.create())
    holder = downloader(release, Role.DATA_MANAGER)
    custody.note_download(grant=release.grants.get(), user=holder, path=release.archive, first_byte=0)
    officer = member(batch.fulfillment.hospital, Role.PRIVACY_OFFICER)
    first = Image.objects.order_by("source__number")[0]
    taken = withdrawals.withdraw(
        hospital=batch.fulfillment.hospital, request=batch.fulfillment.request, actor=officer, reason="consent",
        pseudonym=first.series.study.patient.pseudonym, password=PASSWORD,
    )  # fmt: skip
    withdrawals.attest_destruction(duty=taken.duties.get(), actor=holder, printed_name="A. Holder", password=PASSWORD)
    pack = made(release=release)
    raw = evidence.pack_bytes(pack)
    document = json.loads(raw)
    says = document["statement"]
    assert document["format"] == PACK and set(says) == SECTIONS
    assert check_document(raw, signing_key().public).genuine and verify_paper(raw).verdict == "genuine"
    assert ("Images", "3") in verify_paper(raw).facts

    agreement = says["agreements"][0]
    assert agreement["text_is_unchanged"] and len(agreement["signatures"]) == 2
    assert {one["name"] for one in says["parties"]} == set(agreement["between"])
    assert says["specifications"][0]["sha256"] == release.request.current_version.sha256
    assert check_document(says["certificates"][0]["text"].encode(), signing_key().public).genuine
    assert {row[1] for row in document["manifest"]} == set(release.items.values_list("sha256", flat=True))
    told = [line["what"] for line in says["chain_of_custody"]]
    for words in ("was begun", "was sealed", "was prepared", "was published", "the archive was taken"):
        assert any(words in line for line in told), words
    assert says["recipients"][0]["people"][0]["purpose"] == "A trial of a detector."
    assert says["withdrawals"][0]["state"] == "Every holder attested"
    assert says["destruction"]["holders"][0]["printed_name"] == "A. Holder"
    logged = {event["hash"] for event in says["audit"]}
    assert logged and logged <= set(AuditEvent.objects.values_list("hash", flat=True))
    assert {"release.published", "release.downloaded"} <= {event["verb"] for event in says["audit"]}

    paper = tmp_path / "pack.json"
    paper.write_bytes(raw)
    assert run_subcommand(["verify-certificate", str(paper)]) == 0, "at home, without the portal"
    assert evidence.document_of(pack) == document, "the same rows and the same moment"
    assert pack_pdf(document) == evidence.pack_as_pdf(pack) and pack_pdf(document).startswith(b"%PDF")
    forged = raw.replace(b"A. Holder", b"B. Holder")
    assert verify_paper(forged).places == ["statement, section destruction: it is not what was sealed."]
    storage.put(storage.released(), pack.stored, forged)
    with pytest.raises(CannotDo) as damaged:
        evidence.pack_bytes(pack)
    assert damaged.value.code == "pack_damaged"
    assert signed_in(holder).get(f"/evidence/{pack.pk}.json").status_code == 409


def test_a_pack_is_for_those_whose_affair_it_is_and_pages_lead_to_it() -> None:
    batch = sealed_batch(images=1)
    manager = member(batch.fulfillment.hospital, Role.VIEWER)
    asker = member(batch.fulfillment.request.organization)
    stranger = member(HospitalFactory.create())
    page = f"/batches/{batch.pk}/evidence/"
    client = signed_in(manager)
    assert "No pack was made yet" in client.get(page).content.decode()
    assert page in client.get(f"/batches/{batch.pk}/").content.decode()
    assert client.post(page).status_code == 302
    pack = EvidencePack.objects.get()
    evidence.build_pack(pack.pk)
    shown = client.get(page).content.decode()
    assert "Signed" in shown and "hx-trigger" not in client.get(page, headers={"HX-Request": "true"}).content.decode()
    answer = client.get(f"/evidence/{pack.pk}.json")
    assert answer.status_code == 200 and json.loads(answer.content)["format"] == PACK
    assert client.get(f"/evidence/{pack.pk}.pdf").content.startswith(b"%PDF")
    for person in (asker, stranger):
        other = signed_in(person)
        assert other.get(page).status_code == 404 and other.post(page).status_code == 404
        assert other.get(f"/evidence/{pack.pk}.json").status_code == 404


def test_what_breaks_while_it_is_built_is_said_and_lost_bells_ring_again(monkeypatch: pytest.MonkeyPatch) -> None:
    batch = sealed_batch(images=1)
    staff = ReviewerFactory.create()
    rung: list[Any] = []
    monkeypatch.setattr("fulfillment.services.evidence.enqueue", lambda *call: rung.append(call))
    pack = evidence.ask_pack(actor=staff, batch=batch)
    assert evidence.ask_pack(actor=staff, batch=batch) == pack, "one is enough while it is built"
    monkeypatch.setattr("fulfillment.services.evidence.PATIENCE", -evidence.PATIENCE)
    rung.clear()
    assert evidence.ring_for_unbuilt_packs() == 1 and rung == [(evidence.BUILD_TASK, str(pack.pk))]
    with monkeypatch.context() as broken:
        broken.setattr("fulfillment.services.evidence.sections_of", lambda scope: 1 / 0)
        for _ in range(evidence.MAX_ATTEMPTS):
            evidence.build_pack(pack.pk)
    pack.refresh_from_db()
    assert not pack.is_ready and "Ask for a new one" in pack.problem
    assert evidence.ask_pack(actor=staff, batch=batch) != pack
