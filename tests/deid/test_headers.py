"""Header cleaning through the whole engine: the pitfalls of DEID.md, one by one."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
)

from deid.headers.registered import is_registered_uid
from tests.deid.objects import (
    CR,
    DX,
    SC,
    SC_MULTI_WORD,
    clean,
    make_dataset,
    make_file,
    plain_chest,
    released,
    to_bytes,
    withheld,
)

PLANTED = (
    "Featherstone",
    "Wilhelmina",
    "Quillfeather",
    "Ottoline",
    "Brackwater",
    "0071829304",
    "71829304",
    "ACC9988776",
    "Aldhelm",
    "XRAYROOM7B",
    "20240315",
    "19500412",
    "S5544",
    "RP774411",
    "1.2.826.0.1.3680043.8.498",
)


def assert_clean(data: bytes) -> None:
    for text in PLANTED:
        for encoding in ("ascii", "utf-16-le", "utf-16-be"):
            assert text.lower().encode(encoding) not in data.lower(), text


@pytest.mark.parametrize("sop_class", [CR, DX, SC])
@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, DeflatedExplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_no_planted_identity_survives_in_any_class_or_native_syntax(sop_class: str, syntax: str) -> None:
    ds = make_dataset(plain_chest(), sop_class)
    if syntax == ExplicitVRBigEndian:
        ds.PixelData = plain_chest().astype(">u2").tobytes()
    out, outcome = released(to_bytes(ds, syntax))
    assert_clean(outcome.data)
    assert out.file_meta.TransferSyntaxUID == ExplicitVRLittleEndian
    assert np.array_equal(out.pixel_array, plain_chest())
    assert not any(text.lower() in json.dumps(outcome.record.as_dict()).lower() for text in PLANTED)


def test_useful_attributes_are_kept() -> None:
    out, _ = released(make_file())
    assert out.StudyDescription == "CHEST PA AND LATERAL"
    assert (out.Manufacturer, out.ManufacturerModelName) == ("Philips Medical Systems", "DigitalDiagnost")
    assert (out.PatientSex, out.PatientAge, out.PatientSize, out.KVP, out.ViewPosition) == (
        "F",
        "073Y",
        1.63,
        120,
        "PA",
    )
    assert out.PatientBirthDate == "" and out.StudyTime == "101530"


def test_the_same_input_gives_the_same_bytes_and_another_key_gives_others() -> None:
    data = make_file()
    first, second = clean(data), clean(data)
    assert first == second and first.record.as_dict() == second.record.as_dict()


def test_file_meta_and_preamble_are_our_own() -> None:
    data = bytearray(make_file())
    data[:4] = b"II*\0"  # a TIFF preamble, with whatever its directory points to
    data[60:72] = b"Featherstone"
    out, outcome = released(bytes(data))
    assert outcome.data[:128] == b"\0" * 128
    assert "SourceApplicationEntityTitle" not in out.file_meta
    assert b"ALDHELM" not in outcome.data


def test_bytes_after_the_last_element_are_dropped() -> None:
    data = make_file()
    _out, outcome = released(data + b"\xfc\xff\xfc\xffOB\0\0\x0c\0\0\0Featherstone")
    assert_clean(outcome.data)
    _, garbage = released(data + b"Featherstone was here" * 3)
    assert garbage.data == outcome.data


def test_private_elements_go_unless_creator_and_element_are_on_the_safe_list() -> None:
    ds = make_dataset(plain_chest())
    block = ds.private_block(0x0045, "GEMS_HELIOS_01", create=True)
    block.add_new(0x02, "FL", 1.25)
    block.add_new(0x33, "FL", 7.5)
    other = ds.private_block(0x0043, "NOT GEMS", create=True)
    other.add_new(0x39, "IS", "71829304")
    ds.add_new(0x00471001, "LO", "Featherstone orphan")
    out, outcome = released(to_bytes(ds))
    kept = [element for element in out if element.tag.is_private]
    assert [(e.tag.group, e.value) for e in kept] == [(0x0045, "GEMS_HELIOS_01"), (0x0045, 1.25)]
    assert_clean(outcome.data)


def test_implicit_vr_private_sequences_that_arrive_as_un_are_removed() -> None:
    ds = make_dataset(plain_chest())
    item = b"\x10\x00\x10\x00" + struct.pack("<I", 12) + b"Featherstone"
    raw = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item
    block = ds.private_block(0x0033, "ACME SEQ", create=True)
    block.add_new(0x01, "UN", raw)
    for syntax in (ExplicitVRLittleEndian, ImplicitVRLittleEndian):
        _, outcome = released(to_bytes(ds, syntax))
        assert_clean(outcome.data)


def test_public_sequences_sent_as_un_are_parsed_and_cleaned() -> None:
    ds = make_dataset(plain_chest())
    del ds.RequestAttributesSequence
    text = b"CHEST Featherstone "
    item = b"\x32\x00\x60\x10" + struct.pack("<I", len(text) + 1) + text + b" "
    raw = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(item)) + item
    data = to_bytes(ds)
    element = b"\x40\x00\x75\x02UN\0\0" + struct.pack("<I", len(raw)) + raw
    at = data.index(b"\x99\x00\x10\x00LO")
    out, outcome = released(data[:at] + element + data[at:])
    assert_clean(outcome.data)
    assert out.RequestAttributesSequence[0].RequestedProcedureDescription == "CHEST"


def test_nested_dates_names_and_uids_are_treated_like_those_at_the_top() -> None:
    ds = make_dataset(plain_chest())
    inner = Dataset()
    inner.ContentDate = "20240101"
    inner.PatientName = "Featherstone^Wilhelmina"
    inner.OperatorsName = "Brackwater^Tom"
    inner.ReferencedSOPInstanceUID = ds.SOPInstanceUID
    ds.ReferencedImageSequence[0].PurposeOfReferenceCodeSequence = Sequence([inner])
    out, outcome = released(to_bytes(ds))
    assert_clean(outcome.data)
    got = out.ReferencedImageSequence[0].PurposeOfReferenceCodeSequence[0]
    assert got.ReferencedSOPInstanceUID == out.SOPInstanceUID
    from datetime import date

    top, nested = (date(int(d[:4]), int(d[4:6]), int(d[6:])) for d in (out.StudyDate, got.ContentDate))
    assert (top - nested).days == (date(2024, 3, 15) - date(2024, 1, 1)).days


def test_names_with_three_component_groups_and_several_names_are_found_everywhere() -> None:
    ds = make_dataset(plain_chest(), SpecificCharacterSet=["", "ISO 2022 IR 87"])
    ds.PatientName = "Yamada^Tarou=山田^太郎=やまだ^たろう"
    ds.OtherPatientNames = ["Second^Alias", "Third^Alias"]
    ds.StudyDescription = "CHEST Yamada 山田 SECOND third"
    out, outcome = released(to_bytes(ds))
    assert out.StudyDescription == "CHEST"
    for text in ("Yamada", "山田", "Alias", "Second"):
        assert text.encode() not in outcome.data
    assert "山田".encode("iso2022_jp")[3:-3] not in outcome.data


def test_output_text_is_utf8_and_says_so() -> None:
    out, _ = released(make_file(StudyDescription="Röntgen THORAX"))
    assert out.SpecificCharacterSet == "ISO_IR 192"
    assert out.StudyDescription == "Röntgen THORAX"


def test_an_unknown_character_set_is_withheld() -> None:
    data = make_file().replace(b"ISO_IR 100", b"ISO_IR 999")
    assert withheld(data) == "charset-unknown"


def test_groups_that_must_go_are_gone() -> None:
    ds = make_dataset(plain_chest())
    ds.add_new(0x60000010, "US", 8)
    ds.add_new(0x60003000, "OW", b"\0" * 8)
    ds.add_new(0x60001500, "LO", "Featherstone")
    ds.add_new(0x50000030, "LO", "Featherstone")
    icon = Dataset()
    icon.PatientName = "Featherstone^Wilhelmina"
    ds.IconImageSequence = Sequence([icon])
    original = Dataset()
    original.AttributeModificationDateTime = "20240315101010"
    ds.OriginalAttributesSequence = Sequence([original])
    ds.RetrieveURL = "http://pacs.aldhelm.org/Featherstone"
    out, outcome = released(to_bytes(ds))
    assert_clean(outcome.data)
    assert not [e.tag for e in out if e.tag.group in (0x6000, 0x5000, 0x0088, 0x0400)]


def test_registered_uids_stay_and_all_others_change() -> None:
    out, _ = released(make_file())
    uids = [element.value for element in out.iterall() if element.VR == "UI"]
    assert all(is_registered_uid(uid) or uid.startswith("2.25.") for uid in uids)
    assert out.ReferencedImageSequence[0].ReferencedSOPClassUID == CR


def test_patients_without_identifier_are_not_merged() -> None:
    one, _ = released(make_file(PatientID="", StudyInstanceUID="1.2.3.4"))
    two, _ = released(make_file(PatientID="", StudyInstanceUID="1.2.3.5"))
    assert one.PatientID and two.PatientID and one.PatientID != two.PatientID


def test_the_same_number_under_two_issuers_is_two_patients() -> None:
    one, _ = released(make_file(IssuerOfPatientID="HOSP1"))
    two, _ = released(make_file(IssuerOfPatientID="HOSP2"))
    assert one.PatientID != two.PatientID


def test_ages_are_capped_computed_and_birth_dates_emptied() -> None:
    assert released(make_file(PatientAge="101Y"))[0].PatientAge == "090Y"
    assert released(make_file(PatientAge=None))[0].PatientAge == "073Y"
    assert released(make_file(PatientAge=None, PatientBirthDate="19200101"))[0].PatientAge == "090Y"


def test_unparseable_and_constant_dates_are_emptied() -> None:
    data = make_file(ContentDate="20240315").replace(
        b"\x08\x00\x23\x00DA\x08\x0020240315", b"\x08\x00\x23\x00DA\x08\x00Feathers"
    )
    assert released(data)[0].ContentDate == ""
    assert released(make_file(StudyDate="00010101"))[0].StudyDate == ""


def test_policies_differ_in_dates_and_marks() -> None:
    year, _ = released(make_file(), policy="safe-harbor")
    kept, _ = released(make_file(), policy="limited-data-set")
    shifted, _ = released(make_file())
    assert (year.StudyDate, year.StudyTime) == ("20240101", "")
    assert (kept.StudyDate, kept.StudyTime, kept.LongitudinalTemporalInformationModified) == (
        "20240315",
        "101530",
        "UNMODIFIED",
    )
    assert shifted.LongitudinalTemporalInformationModified == "MODIFIED" and shifted.StudyDate < "20240315"
    codes = {
        p: [i.CodeValue for i in d.DeidentificationMethodCodeSequence]
        for p, d in (("y", year), ("k", kept), ("s", shifted))
    }
    assert codes["s"] == ["113100", "113101", "113105", "113107", "113108", "113109", "113111"]
    assert "113106" in codes["k"] and "113107" not in codes["k"] and "113111" not in codes["y"]
    assert (shifted.PatientIdentityRemoved, shifted.BurnedInAnnotation) == ("YES", "NO")


def test_an_earlier_deidentification_method_does_not_pass() -> None:
    out, outcome = released(make_file(DeidentificationMethod="by Featherstone", PatientIdentityRemoved="NO"))
    assert_clean(outcome.data)
    assert out.PatientIdentityRemoved == "YES"


def test_identity_hidden_in_numbers_and_codes_does_not_pass() -> None:
    out, outcome = released(
        make_file(ExposureTime="71829304", BodyPartExamined="CHEST", FilterType="FEATHERSTONE", Grid="FEATHERSTONE")
    )
    assert_clean(outcome.data)
    assert out.ExposureTime is None


def test_identifiers_known_from_other_files_are_removed_too() -> None:
    out, _ = released(make_file(StudyDescription="CHEST LATERAL Thora"), known=("Lateral",))
    assert out.StudyDescription == "CHEST"


def test_a_name_declared_with_a_binary_vr_is_still_replaced() -> None:
    data = make_file()
    old = b"\x10\x00\x10\x00PN\x18\x00"
    assert old in data
    value = data[data.index(old) + 8 : data.index(old) + 8 + 24]
    swapped = data.replace(old + value, b"\x10\x00\x10\x00OB\0\0\x18\0\0\0" + value)
    _, outcome = released(swapped)
    assert_clean(outcome.data)


def test_a_padded_multi_frame_number_and_empty_frames_do_not_break() -> None:
    frames = np.stack([plain_chest(64, 48), plain_chest(64, 48, seed=2)])
    out, _ = released(make_file(frames, SC_MULTI_WORD, BurnedInAnnotation="NO"))
    assert out.NumberOfFrames == 2
