"""``getdata pull``: whole and right, going on after a kill, damaged bytes named, cuts survived, a part by the tables."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bagit
import pytest
from typer.testing import CliRunner

from getdata.cli import app
from getdata.commands import connection
from tests.support.release_server import RELEASE, TOKEN, Portal, serving, small_release

pytestmark = pytest.mark.pure
IMAGE = "data/dicom/p/s/1.2.1.dcm"


@pytest.fixture
def portal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.setenv("GETDATA_TOKEN", TOKEN)
    monkeypatch.setattr(connection, "LONGEST_PAUSE", 0.01)
    with serving(small_release()) as running:
        yield running


def pull(portal: Portal, folder: Path, *more: str, release: str = RELEASE) -> Any:
    done = CliRunner().invoke(app, ["pull", release, "--to", str(folder), "--server", portal.url, *more])
    assert TOKEN not in done.output and (done.exception is None or isinstance(done.exception, SystemExit)), (
        done.exception
    )
    return done


def check(folder: Path) -> Any:
    return CliRunner().invoke(app, ["pull", "--verify", "--to", str(folder)], catch_exceptions=False)


def there(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {
        ".getdata-pull.json"
    }


def test_everything_comes_and_the_folder_is_a_valid_bag(portal: Portal, tmp_path: Path) -> None:
    folder = tmp_path / "release"
    done = pull(portal, folder)
    assert done.exit_code == 0 and "whole bag" in done.output
    assert there(folder) == set(portal.files)
    assert bagit.Bag(str(folder)).is_valid()
    assert len(portal.sessions) == 1 and "" not in portal.sessions, "one run is one line of the ledger"
    assert check(folder).exit_code == 0
    before = sum(portal.sent.values())
    again = pull(portal, folder)
    assert again.exit_code == 0 and f"{len(portal.files)} there already" in again.output
    assert sum(portal.sent.values()) == before, "what is there and right is not fetched again"


def test_after_a_kill_only_the_missing_bytes_are_fetched(portal: Portal, tmp_path: Path) -> None:
    folder, portal.stall = tmp_path / "release", threading.Event()
    command = [
        sys.executable,
        "-c",
        "from getdata.cli import app; app()",
        "pull",
        RELEASE,
        "--to",
        str(folder),
        "--jobs",
        "2",
    ]
    running = subprocess.Popen([*command, "--server", portal.url], stderr=subprocess.DEVNULL)
    for _ in range(600):
        parts = [path for path in folder.rglob("*.part") if path.stat().st_size == 20_000]
        if parts:
            break
        time.sleep(0.05)
    running.kill()
    running.wait()
    assert parts, "it was killed in the middle of an image"
    left = {
        path.relative_to(folder).as_posix().removesuffix(".part"): path.stat().st_size
        for path in folder.rglob("*.part")
    }
    portal.stall.set()
    portal.stall = None
    portal.asked.clear()
    portal.sent.clear()
    assert pull(portal, folder).exit_code == 0
    assert bagit.Bag(str(folder)).is_valid()
    for path, size in left.items():
        assert (path, f"bytes={size}-") in portal.asked or size == 0
        assert portal.sent[path] == len(portal.files[path]) - size, "only what was missing"


def test_a_flipped_byte_is_found_named_and_fetched_once_more(portal: Portal, tmp_path: Path) -> None:
    portal.flip[IMAGE] = 1
    done = pull(portal, tmp_path / "a")
    assert done.exit_code == 0 and f"{IMAGE}: it was damaged" in done.output
    assert bagit.Bag(str(tmp_path / "a")).is_valid()
    portal.flip[IMAGE] = 2
    done = pull(portal, tmp_path / "b")
    assert done.exit_code == 3 and f"{IMAGE}: it came damaged twice" in done.output
    assert not (tmp_path / "b" / IMAGE).exists(), "a damaged file is not left as if it were right"
    assert check(tmp_path / "b").exit_code == 3


def test_verify_names_each_damaged_and_missing_file_and_the_next_pull_mends_them(
    portal: Portal, tmp_path: Path
) -> None:
    folder = tmp_path / "release"
    pull(portal, folder)
    data = bytearray((folder / IMAGE).read_bytes())
    data[100] ^= 1
    (folder / IMAGE).write_bytes(data)
    (folder / "data/README.md").unlink()
    found = check(folder)
    assert found.exit_code == 3
    assert f"damaged: {IMAGE}" in found.output and "missing: data/README.md" in found.output
    mended = pull(portal, folder)
    assert mended.exit_code == 0 and f"{IMAGE}: it was damaged" in mended.output
    assert check(folder).exit_code == 0
    (folder / "manifest-sha256.txt").write_text("0" * 64 + "  data/README.md\n")
    assert "damaged: manifest-sha256.txt" in check(folder).output


def test_a_cut_connection_and_a_busy_server_are_waited_for(portal: Portal, tmp_path: Path) -> None:
    portal.cut.update({IMAGE: 3, "data/README.md": 1})
    portal.busy += [429, 503]
    done = pull(portal, tmp_path / "release")
    assert (
        done.exit_code == 0 and "Waiting for the connection" in done.output and "Waiting for the server" in done.output
    )
    assert bagit.Bag(str(tmp_path / "release")).is_valid()
    assert portal.sent[IMAGE] == len(portal.files[IMAGE]), "each cut costs nothing that had arrived"


def test_an_access_that_is_revoked_on_the_way_ends_it_with_cause_and_cure(portal: Portal, tmp_path: Path) -> None:
    portal.refuse_after = 5
    done = pull(portal, tmp_path / "release", "--jobs", "2")
    assert done.exit_code == 2 and "The access was revoked: a breach. Ask." in done.output


@pytest.mark.parametrize(
    ("asked", "images", "folders"),
    [
        (["--view", "PA"], {"1.2.1", "1.2.2"}, {"dicom", "png16", "seg"}),
        (["--finding", "pleural effusion"], {"1.2.1", "1.2.3"}, {"dicom", "png16", "seg"}),
        (["--finding", "pleural-effusion", "--state", "absent"], {"1.2.2"}, {"dicom", "png16", "seg"}),
        (["--finding", "Pleural effusion", "--view", "ap", "--only", "png16"], {"1.2.3"}, {"png16"}),
        (["--split", "test_site-01:train", "--only", "dicom,seg"], {"1.2.2", "1.2.3"}, {"dicom", "seg"}),
        (["--only", "metadata"], set(), set()),
    ],
)  # fmt: skip
def test_a_part_is_chosen_by_the_releases_own_tables(
    portal: Portal, tmp_path: Path, asked: list[str], images: set[str], folders: set[str]
) -> None:
    folder = tmp_path / "release"
    done = pull(portal, folder, *asked)
    assert done.exit_code == 0 and "A part of the release" in done.output
    found = {path for path in there(folder) if path.split("/")[1:2] and path.split("/")[1] in ("dicom", "png16", "seg")}
    assert {Path(path).stem for path in found} == images and {path.split("/")[1] for path in found} == folders
    always = {path for path in portal.files if path.split("/")[1:2] and path.split("/")[1] in ("metadata", "splits")}
    assert always | {"bagit.txt", "data/README.md", "manifest-sha256.txt"} <= there(folder)
    assert check(folder).exit_code == 0, "what was not asked for is not missing"
    if found:
        (folder / next(iter(found))).unlink()
        assert check(folder).exit_code == 3


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["--finding", "Fracture"], "no finding “fracture”. It has pleural effusion"),
        (["--view", "LL"], "It has AP, PA."),
        (["--split", "train"], "It has test_site-01:left_out"),
        (["--only", "nifti"], "It has dicom, png16, seg, metadata."),
        (["--state", "present"], "Name the finding"),
        (["--finding", "x", "--state", "sure"], "no state “sure”"),
    ],
)
def test_what_the_release_does_not_have_is_said_with_what_it_has(
    portal: Portal, tmp_path: Path, asked: list[str], said: str
) -> None:
    done = pull(portal, tmp_path / "release", *asked)
    assert done.exit_code == 2 and said in done.output


def test_a_wrong_token_a_wrong_id_and_a_folder_in_use_are_named(
    portal: Portal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no id of a release" in pull(portal, tmp_path / "a", release="seven").output
    missing = pull(portal, tmp_path / "a", release="00000000-0000-4000-8000-000000000000")
    assert missing.exit_code == 2 and "Not found." in missing.output
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "thesis.txt").write_text("mine")
    assert "holds something else" in pull(portal, tmp_path / "b").output
    assert "No release was pulled" in check(tmp_path / "b").output
    monkeypatch.setenv("GETDATA_TOKEN", "gd_" + "x" * 43)
    refused = pull(portal, tmp_path / "c")
    assert refused.exit_code == 2 and "unknown" in refused.output


@pytest.mark.parametrize("path", ["../out", "data/../../out", "/out", "data//x", "data/x.part", "data\\x", "C:/x"])
def test_a_server_that_names_a_place_outside_the_folder_is_refused(portal: Portal, tmp_path: Path, path: str) -> None:
    portal.files[path] = b"x"
    done = pull(portal, tmp_path / "release")
    assert done.exit_code == 2 and "outside the folder" in done.output
    assert not (tmp_path / "out").exists()
