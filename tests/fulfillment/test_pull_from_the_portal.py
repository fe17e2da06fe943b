"""``getdata pull`` against the real portal: the bytes, the ledger, and an access that ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import bagit
import pytest
from typer.testing import CliRunner

from fulfillment.models import DownloadedFile, DownloadEvent
from fulfillment.services import grants, releases
from getdata.accounts.tokens import make_token
from getdata.cli import app
from tests.factories import ReviewerFactory
from tests.support.access import downloader
from tests.support.images import accepted_batch


@pytest.mark.django_db(transaction=True)
def test_a_release_is_pulled_noted_and_refused_after_a_revocation(
    live_server: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = accepted_batch(images=2).fulfillment.request
    made = releases.prepare_release(request=request, actor=ReviewerFactory.create())
    releases.build_release(made.pk)
    made.refresh_from_db()
    release = releases.publish_release(release=made, actor=ReviewerFactory.create())
    _, secret = make_token(user=downloader(release), name="pull", scopes=["releases:read"])
    (tmp_path / "token").write_text(secret)

    def pull(folder: str, *more: str) -> Any:
        where = ["--to", str(tmp_path / folder), "--server", live_server.url, "--token-file", str(tmp_path / "token")]
        return CliRunner().invoke(app, ["pull", str(release.pk), *where, "--jobs", "2", *more])

    done = pull("whole")
    assert done.exit_code == 0, done.output
    assert bagit.Bag(str(tmp_path / "whole")).is_valid()
    line = DownloadEvent.objects.get()
    noted = DownloadedFile.objects.filter(event=line)
    assert set(noted.values_list("file__path", flat=True)) == set(release.files.values_list("path", flat=True))
    part = pull("part", "--view", "PA", "--only", "dicom")
    assert part.exit_code == 0 and len(list((tmp_path / "part").rglob("*.dcm"))) == 1
    grants.revoke_grant(grant=release.grants.get(), actor=ReviewerFactory.create(), reason="A breach.")
    refused = pull("after")
    assert refused.exit_code == 2 and "was revoked: A breach." in refused.output and secret not in refused.output
