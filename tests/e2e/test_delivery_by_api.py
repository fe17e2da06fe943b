"""The whole path through the API alone: request, offers, agreements, uploads, review, release, download."""

from __future__ import annotations

import base64
import hashlib
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

from tests.e2e import package_checks as package
from tests.e2e.left_behind import written
from tests.e2e.portal import ROOT, Portal, until
from tests.e2e.request_document import document
from tests.support.corpus import Delivery, HospitalDelivery
from tests.support.leaks import LeakFinder

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

TUS = {"Tus-Resumable": "1.0.0"}


class Cast:
    """API clients by role."""

    def __init__(self, portal: Portal) -> None:
        made = portal.people()
        self.url = portal.url
        self.password: str = made["password"]
        self.organizations: dict[str, str] = made["organizations"]
        self.people: dict[str, dict[str, str]] = made["people"]
        self.clients = {role: portal.client(person["token"]) for role, person in self.people.items()}

    def __getitem__(self, role: str) -> httpx.Client:
        return self.clients[role]


def ok(response: httpx.Response) -> Any:
    assert response.status_code < 300, f"{response.request.method} {response.request.url.path}: {response.text[:600]}"
    return response.json() if response.content else None


def post_request(cast: Cast) -> str:
    """Create, submit and open the request; returns its slug."""
    body = {"organization": cast.organizations["researcher"], "document": document()}
    body |= {"title": body["document"]["title"], "category": "cxr"}
    made = ok(cast["researcher"].post("requests/", json=body))
    slug = made["slug"]
    ok(cast["researcher"].post(f"requests/{slug}/submit/"))
    assert cast["outsider"].get(f"requests/{slug}/").status_code == 404, "a request is private until it is open"
    ok(cast["reviewer"].post(f"requests/{slug}/open/"))
    assert httpx.get(f"{cast['outsider'].base_url}requests/{slug}/").status_code == 200, "open requests are public"
    return str(slug)


def agree(cast: Cast, slug: str, role: str) -> str:
    """Offer, agreement, both signatures; returns the fulfillment's id."""
    hospital = cast.organizations[role]
    offer = ok(cast[role].post("offers/", json={"request": slug, "hospital": hospital, "images": 20, "patients": 12}))
    agreement = ok(cast["researcher"].post(f"offers/{offer['id']}/agreement/"))
    for signer in ("researcher", role):
        ok(
            cast[signer].post(
                f"agreements/{agreement['id']}/sign/",
                json={
                    "organization": cast.organizations[signer],
                    "printed_name": cast.people[signer]["name"],
                    "password": cast.password,
                },
            )
        )
    (fulfillment,) = ok(cast[role].get("fulfillments/"))["results"]
    return str(fulfillment["id"])


def send(client: httpx.Client, batch: str, name: str, data: bytes, *, resumable: bool) -> None:
    """Send one file: by tus in two parts, or as one body."""
    encoded = base64.b64encode(name.encode()).decode()
    if not resumable:
        headers = {"Content-Type": "application/octet-stream", "Upload-Metadata": f"relativePath {encoded}"}
        ok(client.post(f"batches/{batch}/files/", content=data, headers=headers))
        return
    headers = {**TUS, "Upload-Length": str(len(data)), "Upload-Metadata": f"relativePath {encoded}"}
    created = client.post(f"batches/{batch}/uploads/", headers=headers)
    assert created.status_code == 201, created.text
    half, place = len(data) // 2, urljoin(str(client.base_url), created.headers["Location"])
    for offset, part in ((0, data[:half]), (half, data[half:])):
        headers = {**TUS, "Upload-Offset": str(offset), "Content-Type": "application/offset+octet-stream"}
        answer = client.patch(place, content=part, headers=headers)
        assert answer.status_code == 204, answer.text
    assert answer.headers["Upload-Offset"] == str(len(data))


def push(cast: Cast, role: str, batch: str, folder: Path) -> None:
    """Send the folder with `getdata push`, kill it on the way, run it again, and once more for nothing."""
    command = [sys.executable, "-m", "getdata", "push", batch, str(folder), "--server", cast.url, "--parallel", "2"]
    env = os.environ | {"GETDATA_TOKEN": cast.people[role]["token"]}
    with subprocess.Popen(command, cwd=ROOT, env=env, stderr=subprocess.DEVNULL) as first:
        until(lambda: ok(cast[role].get(f"batches/{batch}/progress/"))["total"] > 0, seconds=120, what="the first file")
        first.kill()
    for sent in (True, False):
        done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, done.stderr
        assert sent or done.stderr.splitlines()[-1].startswith("0 files sent"), done.stderr
        assert cast.people[role]["token"] not in done.stderr + done.stdout


def deliver(cast: Cast, role: str, fulfillment: str, side: HospitalDelivery) -> str:
    """Begin a batch and send the hospital's folder and its labels; returns the batch's id."""
    batch = ok(cast[role].post("batches/", json={"fulfillment": fulfillment, "name": "Everything"}))["id"]
    if role == "hospital_b":
        push(cast, role, batch, side.folder)
    else:
        for number, file in enumerate(side.files):
            send(cast[role], batch, file.relative, file.path.read_bytes(), resumable=number % 2 == 0)
    send(cast[role], batch, "labels.csv", side.labels.read_bytes(), resumable=False)
    return str(batch)


def every_file(client: httpx.Client, batch: str) -> list[dict[str, Any]]:
    """All pages of the batch's files."""
    rows: list[dict[str, Any]] = []
    page = f"batches/{batch}/files/?page_size=20"
    while page:
        answer = ok(client.get(page))
        rows += answer["results"]
        page = answer["next"]
    return rows


def test_forty_radiographs_travel_from_request_to_release(portal: Portal, delivery: Delivery, tmp_path: Path) -> None:
    cast = Cast(portal)
    slug = post_request(cast)
    roles = ("hospital_a", "hospital_b")
    fulfillments = {role: agree(cast, slug, role) for role in roles}
    sides = dict(zip(roles, delivery.hospitals, strict=True))
    batches = {role: deliver(cast, role, fulfillments[role], sides[role]) for role in roles}

    for role in roles:
        until(
            lambda role=role: ok(cast[role].get(f"batches/{batches[role]}/progress/"))["is_settled"],
            seconds=600,
            what="every file to settle",
        )

    released = 0
    for role in roles:
        files = every_file(cast[role], batches[role])
        by_name = {row["original_name"]: row for row in files}
        assert len(files) == len(sides[role].files) + 1
        for sent in sides[role].files:
            row = by_name[sent.relative]
            if sent.expectation == "withheld":
                assert row["status"] in ("rejected", "quarantined"), (sent.kind, row["status"])
            released += row["status"] == "passed"
            if row["status"] != "passed":
                assert row["reason"] and row["findings"][0]["cause"] and row["findings"][0]["remedy"]
        assert by_name["labels.csv"]["status"] == "passed", by_name["labels.csv"]["findings"][:3]
        assert all(row["original_name"] is None for row in every_file(cast["reviewer"], batches[role]))
    expected = [file for file in delivery.files if file.expectation == "released"]
    assert released >= 0.95 * len(expected), Counter(
        row["reason"] for role in roles for row in every_file(cast[role], batches[role])
    )

    for stranger in ("outsider", "hospital_b"):
        assert cast[stranger].get(f"batches/{batches['hospital_a']}/").status_code == 404
        assert cast[stranger].get(f"batches/{batches['hospital_a']}/files/").status_code == 404

    for role in roles:
        ok(cast[role].post(f"batches/{batches[role]}/seal/"))
        assert cast["administrator"].post(f"batches/{batches[role]}/seal/").status_code in (403, 404, 409)
        ok(cast["reviewer"].post(f"review/batches/{batches[role]}/claim/"))
        decision = {"decision": "accepted", "summary": "Looked at every image; labels linked."}
        assert cast["administrator"].post(f"review/batches/{batches[role]}/decide/", json=decision).status_code == 409
        early = cast["reviewer"].post(f"review/batches/{batches[role]}/decide/", json=decision)
        assert (early.status_code, early.json()["code"]) == (409, "sample_incomplete")
        sample = ok(cast["reviewer"].get(f"review/batches/{batches[role]}/sample/"))
        looked = {"images": [row["image"] for row in sample["images"]]}
        ok(cast["reviewer"].post(f"review/batches/{batches[role]}/sample/", json=looked))
        ok(cast["reviewer"].post(f"review/batches/{batches[role]}/decide/", json=decision))

    release = ok(cast["reviewer"].post("review/releases/", json={"request": slug}))["id"]
    until(lambda: ok(cast["reviewer"].get(f"releases/{release}/"))["built"], seconds=120, what="the package")
    assert cast["reviewer"].post(f"review/releases/{release}/publish/").status_code == 409, "one person is not enough"
    assert cast["researcher"].get(f"releases/{release}/").status_code == 404, "a draft is for staff"
    ok(cast["administrator"].post(f"review/releases/{release}/publish/"))

    for stranger in ("outsider", "hospital_a", "reviewer"):
        assert cast[stranger].get(f"releases/{release}/download/").status_code == 404
    assert httpx.get(f"{portal.url}/api/v1/releases/{release}/download/").status_code == 401

    refused = cast["researcher"].get(f"releases/{release}/download/")
    assert (refused.status_code, refused.json()["code"]) == (409, "not_attested")
    attest(cast, release)
    facts = ok(cast["researcher"].get(f"releases/{release}/"))
    archive = download_in_two_parts(cast["researcher"], release, facts["archive_size"])
    assert hashlib.sha256(archive).hexdigest() == facts["archive_sha256"]

    bag = package.unpack(archive, tmp_path / "package")
    package.assert_valid_bag(bag)
    package.assert_no_identity(archive, delivery)
    counts = package.assert_images_are_the_delivered_ones(bag, delivery)
    assert counts["images"] == released
    assert counts["burned"] >= 1, "the delivery was meant to hold burned-in text"
    images, labels = package.read_table(bag, "images.csv"), package.read_table(bag, "labels.csv")
    assert len(images) == released
    assert {row["image_id"] for row in labels} <= {row["image_id"] for row in images}
    assert labels and {row["state"] for row in labels} <= {"present", "absent", "possible", "likely", "not_mentioned"}
    assert {row["site"] for row in images} == {"site-01", "site-02"}

    named = LeakFinder([item for item in delivery.planted if item.everywhere])
    kinds = set()
    for where, content in written(portal):
        kinds.add(where.partition("/")[0])
        assert named.find(content, where=where) == [], where
    assert {"file portal.log", "file mail", "rows of the database", "page "} <= kinds, (
        "the test looks in the wrong place"
    )
    portal.manage("manage.py", "verify_audit")


def attest(cast: Cast, release: str) -> None:
    """Purpose, country and duties, by password."""
    terms = ok(cast["researcher"].get(f"releases/{release}/attestation/"))
    body = {"printed_name": cast.people["researcher"]["name"], "purpose": "A trial.", "keeps_duties": True}
    body |= {"country": terms["countries"][0], "password": cast.password}
    ok(cast["researcher"].post(f"releases/{release}/attestation/", json=body))


def download_in_two_parts(client: httpx.Client, release: str, size: int) -> bytes:
    """Stop half-way and go on by Range, as an interrupted download does."""
    half = size // 2
    first = client.get(f"releases/{release}/download/", headers={"Range": f"bytes=0-{half - 1}"})
    rest = client.get(f"releases/{release}/download/", headers={"Range": f"bytes={half}-"})
    assert (first.status_code, rest.status_code) == (206, 206)
    assert len(first.content) == half
    return first.content + rest.content
