"""What files keep is read from the files, and the class follows from it."""

from __future__ import annotations

import io
from collections import Counter
from functools import cache

import pydicom
import pytest
from pydicom.dataset import Dataset

from deid import Keyring, Released, deidentify, load_policy
from fulfillment.legal import Kept, bars_of, classes_of, kept_in, kept_in_file, kept_in_words
from fulfillment.legal.kept import KINDS
from getdata.demo.dicomize import encode
from getdata.demo.phantom import make_phantom

HEADER = {"PatientName": "SMITH^JANE", "PatientID": "7", "PatientSex": "F", "PatientAge": "095Y", "ViewPosition": "PA",
          "BodyPartExamined": "CHEST", "StudyDate": "20240612", "StudyTime": "101500", "PatientBirthDate": "19290105",
          "DeviceSerialNumber": "SN-7781", "StationName": "ROOM3", "InstitutionName": "St Example"}  # fmt: skip


@cache
def original() -> bytes:
    return encode(make_phantom(3, view="PA", size=(260, 220)).pixels, HEADER)


@pytest.mark.parametrize(
    ("policy", "classes"),
    [
        ("safe-harbor", ["safe_harbor", "expert_determination", "limited_data_set"]),
        ("cxr-research", ["expert_determination", "limited_data_set"]),
        ("limited-data-set", ["limited_data_set"]),
    ],
)
def test_what_the_engine_leaves_makes_the_class_its_policy_promises(policy: str, classes: list[str]) -> None:
    outcome = deidentify(original(), load_policy(policy), Keyring(secret=b"k" * 32, key_id="k"))
    assert isinstance(outcome, Released)
    notes = kept_in_file(outcome.data)
    assert classes_of(Counter(map(Kept.parse, notes))) == classes, notes
    assert not [note for note in notes if "Serial" in note or "Institution" in note or "Birth" in note]
    if policy == "limited-data-set":
        assert "date:StudyDate" in notes


def test_an_original_keeps_what_no_class_allows_and_no_note_holds_a_value() -> None:
    notes = kept_in_file(original())
    kinds = {Kept.parse(note).kind for note in notes}
    assert {"date", "time", "birth_date", "age_over_89", "device", "place"} <= kinds
    said = " ".join(notes)
    assert not [value for value in ("SMITH", "7781", "20240612", "ROOM3", "Example", "095") if value in said]


def test_every_depth_is_read_and_groups_and_dummies_are_no_dates() -> None:
    inner = Dataset()
    inner.DetectorID = "D-1"
    inner.PerformingPhysicianName = "DOE^JOHN"
    outer = Dataset()
    outer.PatientAge = "090Y"  # how ages over 89 are grouped
    outer.StudyDate = "20240101"  # how a year alone is written
    outer.SeriesDate = "19000101"  # a dummy
    outer.StudyTime = "000000"
    outer.AcquisitionDateTime = "2024"
    outer.PatientID = outer.PatientName = "GD-1"
    outer.RequestAttributesSequence = [inner]
    assert kept_in(outer) == ["device:DetectorID", "person:PerformingPhysicianName"]
    outer.PatientAge = "091Y"
    outer.AcquisitionDateTime = "20240612"
    outer.LongitudinalTemporalInformationModified = "MODIFIED"
    assert {"age_over_89:PatientAge", "shifted_date:AcquisitionDateTime"} <= set(kept_in(outer))
    raw = io.BytesIO()
    outer.save_as(raw, implicit_vr=False, little_endian=True, enforce_file_format=False)
    assert kept_in(pydicom.dcmread(io.BytesIO(raw.getvalue()), force=True)) == kept_in(outer)


@pytest.mark.parametrize(
    ("kind", "agreed", "cure"),
    [
        ("date", "safe_harbor", "Ask for the limited-data-set annex or strip dates."),
        ("date", "expert_determination", "Ask for the limited-data-set annex or strip dates."),
        ("device", "limited_data_set", "Ask for an expert determination or strip device identifiers."),
        ("person", "limited_data_set", "Treat it as an incident"),
        ("date", "limited_data_set", ""),
        ("shifted_date", "expert_determination", ""),
    ],
)
def test_each_kind_stands_against_the_classes_that_forbid_it(kind: str, agreed: str, cure: str) -> None:
    bars = bars_of(Counter({Kept(kind, "Something"): 12}), agreed)
    assert [bar.remedy.startswith(cure) for bar in bars] == ([True] if cure else [])
    if bars:
        assert "Something" in bars[0].message and "in 12 files: release blocked." in bars[0].message


def test_dates_and_serial_numbers_together_fit_no_class_and_must_go_back() -> None:
    kept = Counter({Kept("date", "StudyDate"): 3, Kept("device", "DeviceSerialNumber"): 1})
    assert classes_of(kept) == []
    assert all("withdraw these files" in bar.remedy for bar in bars_of(kept, "safe_harbor"))
    assert [row[0] for row in kept_in_words(kept)] == [KINDS["date"], KINDS["device"]]
