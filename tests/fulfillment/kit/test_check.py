"""``getdata check``: a verdict on everything, nothing left behind, nobody named, taken up again after a stop."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from fulfillment.kit import run as kit_run
from fulfillment.kit.places import where
from fulfillment.kit.run import Check, run_check
from fulfillment.kit.state import State
from getdata.cli import app
from requests_app.spec import spec_document, spec_sha256
from tests.fulfillment.kit import mixed
from tests.support.pages import problems

pytestmark = pytest.mark.pure
IDENTITY = ("SMITH", "000001", "20240612", mixed.UID)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three images, one of them refused, and a file that is none. Looked at in this process."""

    def here(work: Any, tasks: Any, *, jobs: int) -> Any:
        return ((task, work(task)) for task in tasks)

    monkeypatch.setattr(kit_run, "shared_out", here)
    root = tmp_path / "in"
    (root / "DOE_JANE").mkdir(parents=True)
    (root / "DOE_JANE" / "IM1").write_bytes(mixed.good(1))
    (root / "IM2").write_bytes(mixed.good(2, ViewPosition="AP"))
    (root / "lateral.dcm").write_bytes(mixed.good(3, ViewPosition="LL"))
    (root / "<b>todo&.txt").write_text("ask Jane")
    (root / ".DS_Store").write_text("noise")
    (tmp_path / "spec.json").write_text(json.dumps(spec_document(mixed.spec())))
    return root


def check(folder: Path, *more: str) -> Any:
    out = folder.parent
    given = [
        "--request",
        str(out / "spec.json"),
        "--report",
        str(out / "r.html"),
        "--json",
        str(out / "r.json"),
        "--no-near",
    ]
    return CliRunner().invoke(app, ["check", str(folder), *given, *more], catch_exceptions=False)


def test_the_report_says_what_fits_what_is_refused_and_what_to_do(folder: Path) -> None:
    done = check(folder, "--batch", "0199")
    assert done.exit_code == 3, done.output
    found = json.loads((folder.parent / "r.json").read_text())
    by_path = {row["path"]: (row["status"], row["reason"]) for row in found["files"]}
    assert by_path == {
        "DOE_JANE/IM1": ("passed", ""),
        "IM2": ("passed", ""),
        "lateral.dcm": ("rejected", "VIEW_MISMATCH"),
        "<b>todo&.txt": ("rejected", "not-dicom"),
    }
    assert found["counts"]["fit"] == 2 and all(row["remedy"] for row in found["refusals"])
    assert {row["check_id"]: row["received"] for row in found["quotas"]}["projection.ap"] == 1
    assert found["quality"]["images"] == 2 and found["quality"]["sentences"]
    assert found["deidentification"]["files_cleaned"] == 3
    page = (folder.parent / "r.html").read_text()
    assert [fault for fault in problems(page) if "inline" not in fault] == []
    assert "&lt;b&gt;todo&amp;.txt" in page and "<b>todo" not in page, "a name is text, never markup"
    assert "stays with the hospital" in page and "getdata push 0199" in page
    assert "http" not in page.replace("http-equiv", "").replace("https://YOUR-PORTAL", ""), (
        "it needs nothing from anywhere"
    )
    assert "todo" not in done.output and "DOE" not in done.output, "no name is printed"


def test_nobody_is_named_and_nothing_is_left_behind(folder: Path) -> None:
    check(folder, "--without-names")
    out = folder.parent
    for report in (out / "r.html", out / "r.json"):
        text = report.read_text()
        assert "DOE" not in text and "todo" not in text
        assert not [value for value in IDENTITY if value in text]
    assert sorted(path.name for path in out.iterdir()) == ["in", "r.html", "r.json", "spec.json"]


def test_a_stopped_check_goes_on_and_remembers_no_name(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[str] = []
    real = kit_run.look

    def stopping(task: Any) -> Any:
        if len(looked) == 2:
            raise KeyboardInterrupt
        looked.append(Path(task.path).name)
        return real(task)

    monkeypatch.setattr(kit_run, "_KEEP_EVERY", 1)
    monkeypatch.setattr(kit_run, "look", stopping)
    stopped = check(folder)
    assert stopped.exit_code == 2 and "--resume" in stopped.output
    memory = folder.parent / ".r.html.check"
    kept = (memory / "verdicts.sqlite3").read_bytes()
    assert kept and not [value for value in (*IDENTITY, "DOE_JANE", "lateral", "todo") if value.encode() in kept]
    assert (memory.stat().st_mode & 0o777, (memory / "key").stat().st_mode & 0o777) == (0o700, 0o600)

    monkeypatch.setattr(kit_run, "look", lambda task: looked.append(Path(task.path).name) or real(task))
    assert check(folder, "--resume").exit_code == 3
    assert sorted(looked) == sorted(["<b>todo&.txt", "IM1", "IM2", "lateral.dcm"]), "each file is looked at once"
    assert not memory.exists()


def test_a_changed_file_or_request_is_looked_at_again(folder: Path) -> None:
    memory = folder.parent / "memory"
    state = State(memory, spec_sha256=spec_sha256(mixed.spec()), resume=False)
    run_check(Check(folder, mixed.spec(), workers=0, near=False), state, lambda *_: None)
    state.close()
    again = State(memory, spec_sha256=spec_sha256(mixed.spec()), resume=True)
    assert again.resumed == 4
    (folder / "IM2").write_bytes(mixed.good(5))
    outcome = run_check(Check(folder, mixed.spec(), workers=0, near=False), again, lambda *_: None)
    assert {one.source.name: one.verdict["facts"]["view"] for one in outcome.passed}["IM2"] == "PA"
    again.close()
    other = State(memory, spec_sha256="0" * 64, resume=True)
    assert other.resumed == 0, "verdicts for another request are not used"
    other.close()
    other.remove()


@pytest.mark.parametrize(
    ("arguments", "cause"),
    [
        (["/nowhere/at/all", "--request", "spec.json", "--json", "o.json"], "no such folder"),
        ([".", "--request", "spec.json"], "No report is asked for"),
    ],
)
def test_what_cannot_work_says_why(arguments: list[str], cause: str) -> None:
    done = CliRunner().invoke(app, ["check", *arguments], catch_exceptions=False)
    assert done.exit_code == 2 and cause in done.output


def test_a_place_is_named_by_the_ninth_of_the_picture_its_centre_lies_in() -> None:
    boxes = [{"x": 0, "y": 90, "width": 10, "height": 10}, {"x": 45, "y": 45, "width": 10, "height": 10}]
    assert where(boxes, 100, 100) == ["centre", "lower left"]
