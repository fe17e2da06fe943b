"""The page of a release: its figures, how it is loaded (each snippet is run), how it is cited, its versions."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zipfile
from datetime import date
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse

from fulfillment.models import Release
from fulfillment.release.citing import Citable, as_bibtex, as_text
from fulfillment.release_page import citing, figures, loading, versions
from fulfillment.services import releases
from getdata.accounts.models import Role
from getdata.common import storage
from tests.factories import ReviewerFactory, member
from tests.support.access import downloader
from tests.support.images import accepted_batch, label
from tests.support.pages import problems

pytestmark = pytest.mark.django_db
#: Needs a server; what it asks of one is tested where the doors are.
ELSEWHERE = {"pull", "dicomweb", "torch"}


def published(request: object) -> Release:
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())  # type: ignore[arg-type]
    releases.build_release(made.pk)
    made.refresh_from_db()
    return releases.publish_release(release=made, actor=ReviewerFactory.create())


@pytest.fixture
def release() -> Release:
    batch = accepted_batch(images=2)
    for file in batch.files.filter(image__isnull=False):
        label(file.image, "Pleural effusion")
    return published(batch.fulfillment.request)


@pytest.mark.once
def test_every_snippet_runs_beside_the_unpacked_release(release: Release, tmp_path: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(storage.get(storage.released(), release.archive))) as bundle:
        bundle.extractall(tmp_path)
    shown = loading(release, "")["snippets"]
    assert {"pull", "pandas", "datasets", "pydicom", "torch", "dicomweb"} <= {one.key for one in shown}
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "cache")}
    together = "\n\n".join(one.code for one in shown if one.key not in ELSEWHERE)
    done = subprocess.run(
        [sys.executable, "-c", together], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert "2 images" in done.stdout and "Pleural effusion" in done.stdout and "MONOCHROME2" in done.stdout
    for one in shown:
        if one.key in ELSEWHERE - {"pull"}:
            compile(one.code, one.key, "exec")


def test_a_citation_names_version_and_digest_and_survives_bibtex(release: Release) -> None:
    made = Citable(
        "getdata-x-v2", "Effusion & 5 % of {AP}_views", 2, date(2026, 3, 1), "ab" * 32, "https://x.example/r/"
    )
    assert as_text(made).startswith(
        "Effusion & 5 % of {AP}_views, release 2. GetDATA, 1 March 2026. https://x.example/r/."
    )
    entry = as_bibtex(made)
    assert entry.startswith("@misc{getdata-x-v2,\n") and entry.count("{") == entry.count("}")
    assert r"Effusion \& 5 \% of \{AP\}\_views" in entry and "version = {2}" in entry and "ab" * 32 in entry
    of_page = citing(release)
    assert of_page is not None and release.archive_sha256 in of_page["text"]


def test_versions_say_what_changed_and_a_withdrawn_one_stays_listed(release: Release) -> None:
    owner = member(release.request.organization)
    accepted_batch(release.request.fulfillments.get(), images=1)
    second = published(release.request)
    releases.withdraw_release(release=release, actor=ReviewerFactory.create(), reason="A name was seen.")
    rows = versions(second, owner)
    assert [(row.release.number, row.images, row.added, row.gone) for row in rows] == [(2, 3, 1, 0), (1, 2, None, None)]


def test_the_page_has_its_parts_and_each_tab_opens(release: Release) -> None:
    client = Client()
    client.force_login(member(release.request.organization, Role.READER))
    address = reverse("release_detail", args=[release.pk])
    page = client.get(address).content.decode()
    assert problems(page) == []
    for part in (
        "How to load it",
        "How to cite it",
        "Versions",
        "getdata pull",
        "@misc{",
        "Labels by finding",
        "Who may have it",
    ):
        assert part in page, part
    tab = client.get(address, {"load": "pandas"}).content.decode()
    assert (
        problems(tab) == []
        and "import pandas as pd" in tab
        and "&amp;quot;" not in tab
        and "getdata pull --verify" not in tab
    )
    assert client.get(address, {"load": "nonsense"}).status_code == 200
    hospital = member(release.request.fulfillments.get().hospital)
    client.force_login(hospital)
    theirs = client.get(address).content.decode()
    assert problems(theirs) == [] and "How to load it" not in theirs and "Versions" not in theirs


def test_figures_count_what_one_may_see(release: Release) -> None:
    charts = {chart.title: chart for chart in figures(release, member(release.request.organization))}
    assert charts["Age"].rows == (("50 to 59", "2"),)
    assert charts["Makers of the devices"].rows == (("Maker", "2"),)
    assert charts["Labels by finding"].rows[0][0] == "Pleural effusion"
    assert figures(release, member(accepted_batch().fulfillment.request.organization)) == []


def test_samples_are_shown_by_grant(release: Release) -> None:
    address, client = reverse("release_detail", args=[release.pk]), Client()
    for person, shown in (
        (member(release.request.organization), False),
        (downloader(release), True),
        (ReviewerFactory.create(), True),
        (member(release.request.fulfillments.get().hospital), True),
    ):
        client.force_login(person)
        page = client.get(address).content.decode()
        assert ("/preview/" in page) == shown, person
        assert problems(page) == []
