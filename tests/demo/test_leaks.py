"""The leak finder must find every kind, or the leak test could not fail."""

from __future__ import annotations

import gzip
import io
import json
import tarfile
import zipfile
import zlib

import numpy as np
import pytest
from pydicom.dataset import Dataset

from getdata.demo.dicomize import SYNTAXES, encode
from getdata.demo.phantom import make_phantom
from tests.support.identities import DATE, Planted, make_hospitals, make_identities
from tests.support.leaks import LeakFinder, find_leaks

NAME = Planted("patient.family", "Müllerschön")
BORN = Planted("patient.birth_date", "19610203", DATE)
MRN = Planted("patient.id", "00471108293")


@pytest.mark.parametrize(
    "spelling",
    [
        "Müllerschön".encode(),
        "Müllerschön".encode("latin-1"),
        "Müllerschön".encode("utf-16-le"),
        "Müllerschön".encode("utf-16-be"),
        "MÜLLERSCHÖN".encode(),
        "MÜLLERSCHÖN".encode("latin-1"),
        b"MUELLERSCHOEN",
        b"mullerschon",
        "Mu\u0308llerscho\u0308n".encode(),
        json.dumps("Müllerschön").encode(),
        "Müller-schön".encode(),
    ],
)
def test_a_name_is_found_in_every_spelling(spelling: bytes) -> None:
    leaks = find_leaks(b"\x01\x02" + spelling + b"\xff", [MRN, NAME])
    assert {(leak.kind, leak.index) for leak in leaks} == {("patient.family", 1)}


@pytest.mark.parametrize(
    "spelling",
    ["19610203", "1961-02-03", "1961.02.03", "03.02.1961", "02/03/1961", "3 Feb 1961",
     "03-FEB-1961", "Feb 3, 1961", "19610203101500.000+0100"],
)  # fmt: skip
def test_a_date_is_found_in_every_spelling(spelling: str) -> None:
    assert [leak.kind for leak in find_leaks(f"x {spelling} y".encode(), [BORN])] == [BORN.kind]


def test_digits_inside_a_uid_are_not_a_date() -> None:
    assert find_leaks(b"2.25.31415919610203926535897932384626433", [BORN]) == []


@pytest.mark.parametrize(
    ("text", "charset"),
    [("山田寺^太郎吉", "iso2022_jp"), ("山田寺^太郎吉", "utf-8"), ("홍서연", "euc_kr"),
     ("Люксембургова", "iso8859_5"), ("Διονυσόπουλος", "iso8859_7")],
)  # fmt: skip
def test_other_scripts_are_found_in_their_own_encodings(text: str, charset: str) -> None:
    assert find_leaks(b"...." + text.encode(charset) + b"....", [Planted("name", text)])


def test_punctuation_does_not_hide_a_number() -> None:
    for spelling in (b"0047-1108-293", b"00471 108 293", b"0.0.4.7.1.1.0.8.2.9.3"):
        assert find_leaks(spelling, [MRN])
    assert not find_leaks(b"0047-1108-294", [MRN])


def test_archives_are_opened() -> None:
    secret = "Müllerschön".encode("utf-16-le") * 3
    inner, outer, tarred = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inner, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a", b"nothing")
        archive.writestr("b", secret)
    with zipfile.ZipFile(outer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("c.zip", inner.getvalue())
    with tarfile.open(fileobj=tarred, mode="w:gz") as tar:
        entry = tarfile.TarInfo("data.zip")
        entry.size = len(outer.getvalue())
        tar.addfile(entry, io.BytesIO(outer.getvalue()))
    for data in (inner.getvalue(), outer.getvalue(), gzip.compress(secret), tarred.getvalue()):
        assert [leak.kind for leak in find_leaks(data, [NAME])] == [NAME.kind]
    assert "member[1]" in find_leaks(inner.getvalue(), [NAME])[0].where


def test_a_member_s_own_name_is_read() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("Müllerschön/IM1", b"clean")
    assert find_leaks(buffer.getvalue(), [NAME])


@pytest.mark.parametrize("syntax", SYNTAXES)
def test_a_nested_value_is_found_in_every_syntax(syntax: str) -> None:
    pixels = make_phantom(1, size=(64, 64)).pixels
    header = {"RequestAttributesSequence": [{"ReasonForTheRequestedProcedure": "Müllerschön"}]}
    assert find_leaks(encode(pixels, header, syntax=syntax), [NAME])
    assert not find_leaks(encode(pixels, {}, syntax=syntax), [NAME, MRN, BORN])


def test_a_value_in_a_private_element_is_found() -> None:
    extra = Dataset()
    extra.private_block(0x0009, "LOCAL", create=True).add_new(1, "UN", b"00471108293 ")
    pixels = make_phantom(1, size=(64, 64)).pixels
    assert find_leaks(encode(pixels, {}, extra=extra, syntax="deflated"), [MRN])


def test_a_leak_never_tells_the_value() -> None:
    leak = find_leaks("Müllerschön".encode(), [NAME])[0]
    assert "schön" not in repr(leak)
    assert "schön" not in repr(NAME)


def test_innocent_bytes_give_no_alarm() -> None:
    planted = [p for person in make_identities(40, seed=1) for p in person.planted]
    planted += [p for hospital in make_hospitals() for p in hospital.planted]
    finder = LeakFinder(planted)
    noise = np.random.default_rng(2).integers(0, 256, 6_000_000, np.uint8).tobytes()
    words = (
        b"Chest PA portable erect frontal view. Hilar and costal margins normal. No pneumothorax."
        b" Aorta, medial heart border and thorax unremarkable. Philips Medical Systems. "
    ) * 2000
    assert finder.find(noise) == []
    assert finder.find(words) == []
    assert finder.find(zlib.compress(noise[:100_000])) == []
    assert finder.find(b"") == []


def test_identities_do_not_share_what_must_be_told_apart() -> None:
    people = make_identities(60, seed=9)
    for trait in ("patient_id", "accession_stem", "email", "family"):
        assert len({getattr(p, trait) for p in people}) == 60
    assert people == make_identities(60, seed=9)
    assert people[0].patient_id != make_identities(1, seed=10)[0].patient_id
    assert all(p.patient_id.startswith("00") for p in people)
