"""Whose image is this: blank, double and contradicting patient identifiers, and one instance UID for two images."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
from pydicom import dcmread
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid.batch.run import _settle_duplicates
from deid.batch.work import Done
from tests.deid.objects import make_dataset, make_file, plain_chest, released, to_bytes, withheld
from tests.deid.test_command import Batch, image, no_network
from tests.deid.zoo import changed

__all__ = ["no_network"]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    return Batch(tmp_path)


def patients(batch: Batch) -> dict[str, str]:
    """Original instance UID -> PatientID of the output, "" where withheld."""
    return {
        row["original_sop_instance_uid"]: dcmread(batch.output / row["output"]).PatientID if row["output"] else ""
        for row in batch.rows()
    }


@pytest.mark.parametrize("blank", ["", "   ", None])
def test_a_blank_or_missing_identifier_is_the_studys_own_patient_and_never_another_one(
    batch: Batch, blank: str | None
) -> None:
    batch.put("1", image(1, PatientID=blank, StudyInstanceUID="1.2.5"))
    batch.put("2", image(2, PatientID=blank, StudyInstanceUID="1.2.5"))
    batch.put("3", image(3, PatientID=blank, StudyInstanceUID="1.2.6"))
    batch.put("4", image(4, PatientID="4711", StudyInstanceUID="1.2.7"))
    assert batch.run() == 0
    found = patients(batch)
    assert found["1.2.3.1"] == found["1.2.3.2"]
    assert len({found[f"1.2.3.{n}"] for n in (1, 3, 4)}) == 3 and all(found.values())


def test_a_blank_identifier_takes_that_of_the_studys_other_files_with_its_dates(batch: Batch) -> None:
    batch.put("1", image(1, PatientID="", StudyInstanceUID="1.2.5", StudyDescription="CHEST"))
    batch.put("2", image(2, PatientID="4711", StudyInstanceUID="1.2.5", ReferringPhysicianName="Quillfeather^B"))
    batch.put("3", image(3, PatientID="4711", StudyInstanceUID="1.2.6"))
    assert batch.run() == 0
    assert len(set(patients(batch).values())) == 1
    dates = {dcmread(batch.output / row["output"]).StudyDate for row in batch.rows()}
    assert len(dates) == 1 and dates != {"20240315"}
    first = batch.tree()
    again = batch.root / "again"
    assert batch.run("--workers", "2", output=again) == 0 and batch.tree(again) == first


def test_an_issuer_that_one_file_lacks_makes_no_second_patient_but_another_issuer_does(batch: Batch) -> None:
    batch.put("1", image(1, PatientID="4711", IssuerOfPatientID="EAST", StudyInstanceUID="1.2.5"))
    batch.put("2", image(2, PatientID="04711", StudyInstanceUID="1.2.5"))
    batch.put("3", image(3, PatientID="4711", IssuerOfPatientID="EAST", StudyInstanceUID="1.2.6"))
    batch.put("4", image(4, PatientID="4711", IssuerOfPatientID="WEST", StudyInstanceUID="1.2.6"))
    assert batch.run() == 3
    found = patients(batch)
    assert found["1.2.3.1"] == found["1.2.3.2"] != ""
    assert found["1.2.3.3"] == found["1.2.3.4"] == ""
    assert {row["reason"] for row in batch.rows()} == {"", "two-patient-ids"}


@pytest.mark.parametrize(
    ("identifier", "charset"),
    [("4711\\4712", "ISO_IR 100"), ("4711\\A-4711", "ISO_IR 192"), ("\\4711\\9", "ISO_IR 100")],
)
def test_two_identifiers_in_one_file_are_withheld(identifier: str, charset: str) -> None:
    assert withheld(make_file(PatientID=identifier, SpecificCharacterSet=charset)) == "two-patient-ids"


@pytest.mark.parametrize("identifier", ["4711\\4711", "004711\\4711", "4711\\", "\\4711"])
def test_one_identifier_written_twice_is_one(identifier: str) -> None:
    out, _ = released(make_file(PatientID=identifier))
    assert len(out.PatientID) == 16


def test_a_backslash_that_is_half_of_a_character_makes_no_second_identifier() -> None:
    sign = next(chr(n) for n in range(0x4E00, 0x9FFF) if chr(n).encode("gb18030").endswith(b"\\"))
    ds = make_dataset(plain_chest(), SpecificCharacterSet="GB18030")
    ds.add_new(0x00100020, "LO", f"4711{sign}4712".encode("gb18030"))
    out, _ = released(to_bytes(ds))
    assert len(out.PatientID) == 16


@pytest.mark.parametrize("tag", [0x00080016, 0x00080018, 0x0020000D, 0x0020000E])
def test_an_object_with_two_uids_where_one_belongs_is_withheld(tag: int) -> None:
    ds = make_dataset(plain_chest(48, 40))
    two = f"{ds[tag].value}\\1.2.3.4.5"
    assert withheld(changed(tag, "UI", two.encode() + b"\0" * (len(two) % 2))) in ("sop-class-missing", "uid-missing")


def test_other_identifiers_of_the_patient_are_removed_from_texts_and_change_no_pseudonym() -> None:
    other, nested = Dataset(), Dataset()
    other.PatientID, other.IssuerOfPatientID, other.TypeOfPatientID = "ZK55-10-29", "Brackwater Trust", "TEXT"
    nested.PatientID = "ZK777001"
    ds = make_dataset(plain_chest(), StudyDescription="CHEST ZK 551029 PA", SeriesDescription="PA ZK777001 Brackwater")
    ds.OtherPatientIDsSequence = Sequence([other])
    ds.SourcePatientGroupIdentificationSequence = Sequence([nested])
    out, outcome = released(to_bytes(ds))
    plain, _ = released(make_file())
    assert out.PatientID == plain.PatientID and out.StudyDescription == "CHEST PA" and out.SeriesDescription == "PA"
    assert not any(word in outcome.data for word in (b"55102", b"777001", b"Brackwater"))
    assert "OtherPatientIDsSequence" not in out


@pytest.mark.parametrize("workers", ["1", "2"])
def test_two_images_of_one_instance_uid_are_withheld_whatever_order_they_are_done_in(
    batch: Batch, workers: str
) -> None:
    batch.put("a", make_file(plain_chest(48, 40, seed=5), SOPInstanceUID="1.2.3.2"))
    batch.put(
        "b",
        make_file(plain_chest(900, 800, seed=6), SOPInstanceUID="1.2.3.2", PatientID="4713", StudyInstanceUID="1.2.7"),
    )
    batch.put("c", make_file(plain_chest(48, 40, seed=7), SOPInstanceUID="1.2.3.2 ", StudyInstanceUID="1.2.8"))
    batch.put("d", image(9))
    assert batch.run("--workers", workers) == 3
    assert [row["reason"] for row in batch.rows()] == ["duplicate-instance"] * 3 + [""]
    assert len(batch.tree()) == 1


def test_duplicates_settle_alike_in_every_order(tmp_path: Path) -> None:
    def group() -> list[Done]:
        facts = [("x", "a"), ("y", "b"), ("", ""), ("x", "c")]
        return [
            Done(n, "", name, str(tmp_path / str(n)), "" if sha else "malformed", {"output_sha256": sha})
            for n, (sha, name) in enumerate(facts)
        ]

    ends = set()
    for order in itertools.permutations(range(4)):
        members = group()
        settled = _settle_duplicates(sorted((members[n] for n in order), key=lambda done: done.index))
        ends.add(tuple((done.index, done.reason, done.output) for done in settled))
    assert ends == {
        (
            (0, "duplicate-instance", ""),
            (1, "duplicate-instance", ""),
            (2, "malformed", ""),
            (3, "duplicate-instance", ""),
        )
    }
