"""The command: exit status, map, report, resume, archives, duplicates, two patients in one study."""

from __future__ import annotations

import csv
import json
import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from pydicom import dcmread

from deid.__main__ import main
from tests.deid.objects import CR, DX, SC, BlindDetector, SilentReader, make_file, plain_chest
from tests.deid.test_headers import PLANTED


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """The shipped detector is measured elsewhere; here files are many and hold no text."""
    monkeypatch.setattr("deid.engine._shipped_detector", BlindDetector)
    monkeypatch.setattr("deid.engine._shipped_reader", SilentReader)


class Batch:
    """A folder with inputs, a key and places for what comes out."""

    def __init__(self, root: Path) -> None:
        self.root, self.input, self.output = root, root / "in", root / "out"
        self.input.mkdir()
        (root / "key").write_text("5a" * 32)
        self.map, self.report = root / "MAP.csv", root / "REPORT.json"

    def put(self, name: str, data: bytes) -> None:
        path = self.input / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)

    def run(self, *more: str, source: Path | None = None, output: Path | None = None) -> int:
        return main(
            [str(source or self.input), str(output or self.output), "--key-file", str(self.root / "key"),
             "--map", str(self.map), "--report", str(self.report), *more]
        )  # fmt: skip

    def rows(self) -> list[dict[str, str]]:
        with self.map.open(newline="") as stream:
            return list(csv.DictReader(stream))

    def tree(self, output: Path | None = None) -> dict[str, bytes]:
        root = output or self.output
        return {
            path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()
        }


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


def image(n: int, sop_class: str = CR, **header: object) -> bytes:
    return make_file(plain_chest(48, 40, seed=n), sop_class, SOPInstanceUID=f"1.2.3.{n}", **header)


def test_a_folder_of_any_nesting_is_released_and_nothing_of_the_patient_is_in_names_report_or_files(
    batch: Batch,
) -> None:
    batch.put("Featherstone Wilhelmina/0071829304/a", image(1))
    batch.put("x.dcm", image(2, DX))
    batch.put("deep/er/y.ima", image(3, SC))
    assert batch.run() == 0
    rows = batch.rows()
    assert {row["original_sop_instance_uid"] for row in rows} == {"1.2.3.1", "1.2.3.2", "1.2.3.3"}
    assert all(row["status"] == "released" and row["reason"] == "" for row in rows)
    assert stat.S_IMODE(os.stat(batch.map).st_mode) == 0o600
    tree = batch.tree()
    assert set(tree) == {row["output"] for row in rows}
    everything = batch.report.read_bytes() + "".join(tree).encode() + b"".join(tree.values())
    for text in PLANTED:
        assert text.lower().encode() not in everything.lower(), text
    report = json.loads(batch.report.read_text())
    assert report["counts"] == {"released": 3, "quarantined": 0, "rejected": 0}
    assert len({dcmread(batch.output / row["output"]).PatientID for row in rows}) == 1


def test_withheld_files_give_status_three_and_their_reason_with_cause_and_remedy(batch: Batch) -> None:
    batch.put("a.dcm", image(1))
    batch.put("notes.txt", b"hello")
    batch.put("pdf.dcm", image(2, SOPClassUID="1.2.840.10008.5.1.4.1.1.104.1"))
    assert batch.run() == 3
    by_status = {(row["status"], row["reason"]) for row in batch.rows()}
    assert by_status == {("released", ""), ("rejected", "not-dicom"), ("rejected", "encapsulated-document")}
    reasons = json.loads(batch.report.read_text())["reasons"]
    assert {r["code"] for r in reasons} == {"not-dicom", "encapsulated-document"} and all(r["remedy"] for r in reasons)


def test_two_runs_give_the_same_bytes_and_the_same_report(batch: Batch) -> None:
    for n in range(1, 4):
        batch.put(f"{n}.dcm", image(n))
    assert batch.run() == 0
    first, report = batch.tree(), batch.report.read_bytes()
    assert batch.run(output=batch.root / "again") == 0
    assert batch.tree(batch.root / "again") == first and batch.report.read_bytes() == report


def test_zip_archives_are_read_with_limits(batch: Batch) -> None:
    with zipfile.ZipFile(batch.input / "study.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/1", image(1))
        archive.writestr("bomb", b"\0" * 60_000_000)
        archive.writestr("inner.zip", b"PK\x03\x04" + b"\0" * 100)
    batch.put("broken.zip", b"PK\x03\x04 not really")
    assert batch.run() == 3
    assert sorted((row["status"], row["reason"]) for row in batch.rows()) == [
        ("rejected", "archive-unsafe"), ("rejected", "archive-unsafe"), ("rejected", "archive-unsafe"), ("released", "")
    ]  # fmt: skip


def test_a_study_with_two_patient_identifiers_is_withheld_whole(batch: Batch) -> None:
    batch.put("1", image(1, PatientID="111111", StudyInstanceUID="1.2.9"))
    batch.put("2", image(2, PatientID="222222", StudyInstanceUID="1.2.9"))
    batch.put("3", image(3, PatientID="333333", StudyInstanceUID="1.2.10"))
    assert batch.run() == 3
    assert sorted(row["reason"] for row in batch.rows()) == ["", "two-patient-ids", "two-patient-ids"]
    assert len(batch.tree()) == 1


def test_one_instance_uid_with_different_content_is_withheld_and_an_exact_copy_is_one_file(batch: Batch) -> None:
    batch.put("1", image(1))
    batch.put("copy of 1", image(1))
    batch.put("2", make_file(plain_chest(48, 40, seed=5), SOPInstanceUID="1.2.3.2"))
    batch.put("2b", make_file(plain_chest(48, 40, seed=6), SOPInstanceUID="1.2.3.2"))
    assert batch.run() == 3
    assert sorted(row["reason"] for row in batch.rows()) == ["", "", "duplicate-instance", "duplicate-instance"]
    assert len(batch.tree()) == 1


def test_names_of_a_patients_other_files_are_removed_from_this_one(batch: Batch) -> None:
    batch.put("1", image(1, ReferringPhysicianName="Chestnut^A", StudyDescription="CHEST"))
    batch.put("2", image(2, ReferringPhysicianName="Lateral^B", StudyDescription="CHEST LATERAL"))
    batch.put("3", image(3, ReferringPhysicianName="", StudyDescription="CHEST LATERAL"))
    assert batch.run() == 0
    descriptions = {dcmread(batch.output / row["output"]).StudyDescription for row in batch.rows()}
    assert descriptions == {"CHEST"}


@pytest.mark.parametrize(
    "change",
    [
        ["--policy", "no-such-policy"],
        ["--key-file", "no/such/key"],
        ["--workers", "0"],
        ["--map", "no/such/folder/MAP.csv"],
    ],
)
def test_wrong_usage_has_status_two_and_says_what_to_change(
    batch: Batch, change: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    batch.put("1", image(1))
    assert batch.run(*change) == 2
    assert "deid: " in capsys.readouterr().err
    assert not batch.output.exists() or not batch.tree()


def test_output_inside_input_and_map_inside_output_are_refused(batch: Batch) -> None:
    batch.put("1", image(1))
    assert batch.run(output=batch.input / "out") == 2
    batch.map = batch.output / "MAP.csv"
    batch.output.mkdir()
    assert batch.run() == 2


def test_the_command_runs_as_a_module_with_workers_and_prints_no_value(batch: Batch) -> None:
    for n in range(1, 3):
        batch.put(f"Featherstone{n}.dcm", image(n))
    done = subprocess.run(
        [sys.executable, "-m", "deid", str(batch.input), str(batch.output), "--key-file", str(batch.root / "key"),
         "--map", str(batch.map), "--report", str(batch.report), "--workers", "2", "--verbose"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "2 released, 0 withheld" in done.stderr
    assert not any(text.lower() in (done.stdout + done.stderr).lower() for text in PLANTED)
