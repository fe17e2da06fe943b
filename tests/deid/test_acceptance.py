"""Which objects are accepted, and the reason each other one gets."""

from __future__ import annotations

import pytest

from tests.deid.objects import CR, DX, SC, make_dataset, make_file, plain_chest, released, to_bytes, withheld

_STORAGE = "1.2.840.10008.5.1.4.1.1."


@pytest.mark.parametrize(
    ("sop_class", "reason"),
    [
        (_STORAGE + "104.1", "encapsulated-document"),
        (_STORAGE + "88.11", "structured-report"),
        (_STORAGE + "88.59", "structured-report"),
        (_STORAGE + "11.1", "presentation-state"),
        (_STORAGE + "481.5", "radiotherapy-object"),
        (_STORAGE + "77.1.1.1", "video-object"),
        (_STORAGE + "2", "wrong-class"),
        ("1.2.840.10008.1.3.10", "dicomdir"),
    ],
)
def test_each_class_that_is_not_a_radiograph_has_its_own_reason(sop_class: str, reason: str) -> None:
    assert withheld(make_file(SOPClassUID=sop_class)) == reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Modality": "CT"}, "wrong-modality"),
        ({"Modality": ""}, "wrong-modality"),
        ({"BodyPartExamined": "HAND"}, "non-chest"),
        ({"BodyPartExamined": "", "StudyDescription": "XR KNEE LEFT", "SeriesDescription": ""}, "non-chest"),
        ({"StudyInstanceUID": "not a uid"}, "uid-missing"),
        ({"SeriesInstanceUID": None}, "uid-missing"),
        ({"PixelData": None}, "no-pixels"),
        ({"Rows": 0}, "pixel-description"),
        ({"Rows": 300}, "pixel-length"),
        ({"Rows": 60000, "Columns": 60000}, "pixel-limit"),
        ({"BitsStored": 20}, "pixel-description"),
        ({"HighBit": 15}, "pixel-description"),
        ({"PhotometricInterpretation": "PALETTE COLOR"}, "pixel-description"),
    ],
)
def test_objects_that_contradict_themselves_are_withheld_with_the_cause(
    changes: dict[str, object], reason: str
) -> None:
    assert withheld(make_file(**changes)) == reason


def test_a_radiograph_without_body_part_is_accepted_but_a_secondary_capture_is_not() -> None:
    silent = {
        "BodyPartExamined": None,
        "StudyDescription": "",
        "SeriesDescription": "",
        "RequestAttributesSequence": None,
    }
    released(make_file(sop_class=CR, **silent))
    released(make_file(sop_class=DX, **silent))
    assert withheld(make_file(sop_class=SC, **silent)) == "chest-not-stated"


def test_file_meta_that_names_another_class_or_instance_is_withheld() -> None:
    ds = make_dataset(plain_chest())
    data = to_bytes(ds)
    at = data.index(b"1.2.826.0.1.3680043.8.498.1001")
    assert withheld(data[:at] + b"1.2.826.0.1.3680043.8.498.1002" + data[at + 30 :]) == "sop-class-contradicts"


@pytest.mark.parametrize("syntax", ["1.2.840.10008.1.2.4.100", "1.2.840.10008.1.2.4.102"])
def test_video_encodings_are_refused_as_video(syntax: str) -> None:
    assert withheld(_with_syntax(syntax)) == "video-object"


@pytest.mark.parametrize("syntax", ["1.2.3.4.5", "1.2.840.113619.5.2", ""])
def test_unknown_syntaxes_are_refused(syntax: str) -> None:
    assert withheld(_with_syntax(syntax)) == "unknown-transfer-syntax"


def _with_syntax(syntax: str) -> bytes:
    data = make_file()
    value = syntax.encode() + b"\0" * (len(syntax) % 2)
    at = data.index(b"\x02\x00\x10\x00UI") + 6
    length = int.from_bytes(data[at : at + 2], "little")
    return data[:at] + len(value).to_bytes(2, "little") + value + data[at + 2 + length :]


def test_pixel_data_that_disagrees_with_its_syntax_is_withheld() -> None:
    assert withheld(_with_syntax("1.2.840.10008.1.2.4.70")) == "pixel-description"
