"""Hiding places of a name that no list holds, one file each: in numbers, tables, tags, encodings, code streams and texts.

Zyxquard stands nowhere but in its hiding place, so nothing of the file warns of it: only what may stay decides.
"""

from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from deid import Quarantined, Released
from deid.text.clean import clean_text
from deid.text.identifiers import Identifiers
from tests.deid.objects import clean, make_dataset, make_file, plain_chest, released, to_bytes, withheld
from tests.deid.zoo import (
    BASELINE,
    J2K,
    UNDEFINED,
    at_end,
    changed,
    chest,
    deflated,
    element,
    item,
    stream,
    with_elements,
    with_stream,
)
from tests.deid.zoo import _data_set as data_set

NAME = b"Zyxquard"
PROTOCOL = 0x00400260
"""A sequence that may stay, PerformedProtocolCodeSequence."""
ITEM_END, SEQUENCE_END = b"\xfe\xff\x0d\xe0\0\0\0\0", b"\xfe\xff\xdd\xe0\0\0\0\0"


def implicit(tag: int, value: bytes) -> bytes:
    return struct.pack("<HHI", tag >> 16, tag & 0xFFFF, len(value)) + value


def private(vr: str, value: bytes) -> bytes:
    """An element of the safe list that says another VR, or holds text as numbers."""
    return at_end(element(0x00450010, "LO", b"GEMS_HELIOS_01"), element(0x00451002, vr, value))


def with_table(*elements: bytes) -> bytes:
    return at_end(element(0x00283010, "SQ", item(b"".join(elements))))


def table(entries: int, data: bytes) -> bytes:
    return with_table(element(0x00283002, "US", struct.pack("<3H", entries, 0, 16)), element(0x00283006, "OW", data))


HIDDEN: dict[str, Callable[[], bytes]] = {
    # numbers that spell
    "one FD": lambda: at_end(element(0x00189073, "FD", NAME)),
    "more US than one": lambda: at_end(element(0x00280106, "US", NAME)),
    "more FL than one": lambda: at_end(element(0x00189461, "FL", NAME + b"blim")),
    "UV": lambda: at_end(element(0x00080309, "UV", NAME)),
    "OF in a surface": lambda: at_end(element(0x00660129, "SQ", item(element(0x00660016, "OF", NAME)))),
    "safe private FL": lambda: private("FL", NAME),
    "safe private UN": lambda: private("UN", NAME),
    "safe private LO": lambda: private("LO", NAME),
    "palette": lambda: at_end(
        element(0x00281101, "US", b"\x08\0\0\0\x10\0"), element(0x00281201, "OW", NAME)
    ),
    "table longer than it says": lambda: table(4, b"\1\0\2\0\3\0\4\0" + NAME),
    "table of letters": lambda: table(4, NAME),
    "table without descriptor": lambda: with_table(element(0x00283006, "OW", NAME)),
    # wrong VRs
    "LT as OB": lambda: at_end(element(0x00104000, "OB", NAME)),
    "LT as UN": lambda: at_end(element(0x00204000, "UN", NAME)),
    "LO as UT": lambda: at_end(element(0x00181030, "UT", NAME)),
    "LO as UC": lambda: at_end(element(0x00400254, "UC", NAME)),
    "LO as UR": lambda: at_end(element(0x00400254, "UR", NAME)),
    "US as LO": lambda: at_end(element(0x00280106, "LO", NAME)),
    "DS as LO": lambda: changed(0x00180060, "LO", NAME),
    "DS with a tail": lambda: changed(0x00180060, "DS", b"120" + NAME + b" "),
    "TM with a tail": lambda: at_end(element(0x00080032, "TM", b"101530 " + NAME + b" ")),
    "UID": lambda: at_end(element(0x00200200, "UI", b"1.2." + NAME)),
    "time zone": lambda: at_end(element(0x00080201, "SH", NAME)),
    "code string": lambda: at_end(element(0x00185100, "CS", b"zyxquard")),
    # structure
    "group length": lambda: at_end(element(0x00400000, "LO", NAME)),
    "explicit inside UN": lambda: at_end(element(PROTOCOL, "UN", item(element(0x00100010, "PN", NAME)))),
    "implicit inside UN": lambda: at_end(element(PROTOCOL, "UN", item(implicit(0x00400007, NAME)))),
    "UN without length": lambda: at_end(
        element(PROTOCOL, "UN", item(implicit(0x00400007, NAME) + ITEM_END, UNDEFINED) + SEQUENCE_END, UNDEFINED)
    ),
    "private UN": lambda: at_end(
        element(0x00290010, "LO", b"ACME"), element(0x00291001, "UN", item(implicit(0x00100010, NAME)))
    ),
    "lengths of delimiters": lambda: at_end(
        element(PROTOCOL, "SQ", item(element(0x00400007, "LO", b"PA") + ITEM_END[:4] + NAME[:4], UNDEFINED) + SEQUENCE_END[:4]
                + NAME[4:], UNDEFINED)
    ),
    "private creator": lambda: at_end(element(0x00090010, "LO", NAME), element(0x00091001, "DS", b"1 ")),
    "private element without block": lambda: at_end(element(0x00090001, "LO", NAME)),
    "out of order": lambda: at_end(element(0x00081040, "LO", NAME)),
    "overlay of a later group": lambda: at_end(element(0x60FE3000, "OW", NAME), element(0x60FE1500, "LO", NAME)),
    "curve": lambda: at_end(element(0x50003000, "OW", NAME)),
    "colour profile": lambda: at_end(element(0x00282000, "OB", NAME)),
    "elements after Pixel Data": lambda: chest() + element(0xFFFAFFFA, "SQ", item(element(0x04000110, "UI", NAME))),
    "padding after Pixel Data": lambda: chest() + element(0xFFFCFFFC, "OB", NAME),
    "behind a deflated body": lambda: deflated(data_set()) + NAME * 2,
    "pixel data's address": lambda: at_end(element(0x00287FE0, "UR", b"http://zyxquard.org")),
    "a set of its own inside an item": lambda: with_elements(
        element(PROTOCOL, "SQ", item(element(0x00080005, "CS", b"ISO_IR 144") + element(0x00400007, "LO", NAME)))
    ),
    "cut in two by an escape": lambda: at_end(element(0x00181030, "LO", b"CHEST Zyx\x1b(Bquard")),
}  # fmt: skip


@pytest.mark.parametrize("place", sorted(HIDDEN))
def test_a_name_is_not_in_what_comes_out(place: str) -> None:
    outcome = clean(HIDDEN[place]())
    assert isinstance(outcome, Released), (outcome.reason, outcome.record.detail)
    low = outcome.data.lower()
    assert b"zyxq" not in low and b"quard" not in low and b"yzqxau" not in low
    assert "zyxq" not in str(outcome.record.as_dict()).lower()


def test_a_pointer_to_an_attribute_that_does_not_exist_is_no_pointer() -> None:
    assert withheld(at_end(element(0x00280009, "AT", b"Zyxq"))) == "verify-required"


def test_a_true_lookup_table_stays_also_where_its_bytes_are_letters() -> None:
    rising = struct.pack("<26H", *range(0x4141, 0x4141 + 26))
    assert rising.isalpha()
    assert rising in released(table(26, rising))[1].data


@pytest.mark.parametrize(
    ("vr", "tag", "number"),
    [("DS", 0x00181120, b"02075552934 "), ("IS", 0x00200012, b"123456789 "), ("DS", 0x00180060, b"4111222233334444")],
)
def test_numbers_as_long_as_telephones_and_records_are_emptied(vr: str, tag: int, number: bytes) -> None:
    _, outcome = released(changed(tag, vr, number) if tag == 0x00180060 else at_end(element(tag, vr, number)))
    assert number.strip(b" 0") not in outcome.data


def j2k_with_comment() -> bytes:
    """A second tile-part with nothing but a comment in its header."""
    code = stream(J2K)
    start, end = code.index(b"\xff\x90\x00\x0a"), code.rindex(b"\xff\xd9")
    comment = b"\xff\x64" + struct.pack(">HH", 4 + len(NAME), 1) + NAME
    second = b"\xff\x90\x00\x0a" + code[start + 4 : start + 6] + struct.pack(">I", 14 + len(comment)) + b"\1\2"
    return (
        code[: start + 6] + struct.pack(">I", end - start) + code[start + 10 : end] + second + comment + b"\xff\x93" + code[end:]
    )  # fmt: skip


def jpeg_with(segment: bytes, before: bytes) -> bytes:
    code = stream(BASELINE)
    at = code.index(before)
    return code[:at] + segment + code[at:]


STREAMS: dict[str, Callable[[], bytes]] = {
    "comment in a later tile-part": lambda: with_stream(J2K, j2k_with_comment()),
    "packet lengths nobody needs": lambda: with_stream(
        J2K, stream(J2K)[:4] + stream(J2K)[4:].replace(b"\xff\x52", b"\xff\x55\0\x0a" + NAME + b"\xff\x52", 1)
    ),
    "unused quantisation table": lambda: with_stream(
        BASELINE, jpeg_with(b"\xff\xdb\0\x43\3" + NAME * 8, b"\xff\xc0")
    ),
    "application data before the scan": lambda: with_stream(
        BASELINE, jpeg_with(b"\xff\xe5\0\x0a" + NAME, b"\xff\xda")
    ),
    "behind the last block": lambda: with_stream(BASELINE, stream(BASELINE)[:-2] + NAME * 2 + b"\xff\xd9"),
}  # fmt: skip


@pytest.mark.parametrize("place", sorted(STREAMS))
def test_a_code_stream_that_holds_more_than_an_image_does_not_pass_through(place: str) -> None:
    outcome = clean(STREAMS[place]())
    if isinstance(outcome, Quarantined):
        assert outcome.reason in ("decode-failed", "malformed")
    else:
        assert not outcome.record.pixel_passthrough and NAME not in outcome.data


OWN = Identifiers.of(
    names=["Featherstone^Wilhelmina", "O'Brien-Smythe^Mary"], numbers=["0071829304"], dates=["20240315"]
)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("CHEST F e a t h e r s t o n e PA", "CHEST PA"),
        ("CHEST F.e.a.t.h.e.r.s.t.o.n.e", "CHEST"),
        ("CHEST FEATHER STONE PA", "CHEST PA"),
        ("CHEST Feather-stone", "CHEST"),
        ("CHEST o brien smythe PA", "CHEST PA"),
        ("CHEST W.F.", "CHEST"),
        ("CHEST A.P. erect", "CHEST A.P. erect"),
        ("CHEST A P", "CHEST A P"),
        ("CHEST DOB 12 4 50", "CHEST DOB"),
        ("CHEST #123 456", "CHEST"),
        ("CHEST 94 yo male", "CHEST yo male"),
        ("CHEST 89 yo male", "CHEST 89 yo male"),
        ("CHEST ninety-four year old", "CHEST year old"),
        ("CHEST ninety degrees", "CHEST ninety degrees"),
        ("CHEST seven one eight two nine three", "CHEST"),
        ("two views one lung", "two views one lung"),
        ("Dr Lung CHEST", "Dr CHEST"),
        ("CHEST DR HEAD", "CHEST DR HEAD"),
        ("CHEST 3-15", "CHEST"),
        ("CHEST 15-3", "CHEST"),
        ("CHEST 3-4 views", "CHEST 3-4 views"),
        ("ribs 3-16", "ribs 3-16"),
    ],
)
def test_what_stands_apart_and_is_one_thing_together(text: str, left: str) -> None:
    assert clean_text(text, OWN) == left


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ZYXQUARD7", ""), ("JSMITH01", ""), ("build zyxquard2", "build"), ("WEBB3", ""), ("DRX1", "DRX1"), ("XR220amx", "XR220amx"),
        ("CXDI70C", "CXDI70C"), ("Definium5000", "Definium5000"), ("DX-D 300", "DX-D 300"),
        ("MobileDaRt Evolution", "MobileDaRt Evolution"), ("VB22A", "VB22A"), ("4.0.1.3", "4.0.1.3"),
    ],
)  # fmt: skip
def test_codes_of_devices_stay_and_logins_go(text: str, left: str) -> None:
    assert clean_text(text, OWN, device=True) == left


def test_a_name_in_pieces_that_a_broken_cleaner_leaves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deid.headers.clean.clean_text", lambda text, identifiers, **options: text)
    for spelled in ("CHEST FEATHER STONE", "F e a t h e r s t o n e"):
        data = make_file(StudyDescription=spelled, SeriesDescription="PA", RequestAttributesSequence=None)
        assert withheld(data) == "identifier-left"


def test_a_record_number_inside_a_code_of_a_known_scheme_is_replaced() -> None:
    code = Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "C1829304", "UMLS", "chest"
    ds = make_dataset(plain_chest(), PatientID="1829304")
    ds.ProcedureCodeSequence = Sequence([code])
    out, _ = released(to_bytes(ds))
    assert "1829304" not in out.ProcedureCodeSequence[0].CodeValue


def test_a_local_code_inside_a_reference_goes_and_the_reference_stays() -> None:
    ds = make_dataset(plain_chest())
    ds.ReferencedImageSequence[0].CodeValue, ds.ReferencedImageSequence[0].CodeMeaning = "Zyxquard", "Zyxquard"
    ds.ReferencedImageSequence[0].CodingSchemeDesignator = "99ZYX"
    out, outcome = released(to_bytes(ds))
    assert out.ReferencedImageSequence[0].ReferencedSOPInstanceUID.startswith("2.25.") and NAME not in outcome.data


def test_a_birth_date_that_poses_as_an_images_date_goes_but_a_newborns_image_keeps_its_day() -> None:
    request = Dataset()
    request.AcquisitionDateTime = "19500412101010"
    ds = make_dataset(plain_chest(), PatientBirthDate="19500412")
    ds.RequestAttributesSequence = Sequence([request])
    out, outcome = released(to_bytes(ds), policy="limited-data-set")
    assert b"19500412" not in outcome.data and out.StudyDate == "20240315"
    newborn, _ = released(make_file(PatientBirthDate="20240315"), policy="limited-data-set")
    assert newborn.StudyDate == newborn.AcquisitionDate == "20240315" and not newborn.PatientBirthDate
