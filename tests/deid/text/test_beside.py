"""What only its neighbours give away: days beside times, ages behind "she is", people whose names are words."""

from __future__ import annotations

import pytest

from deid.text.identifiers import Identifiers
from deid.text.report import clean_report

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("Signed: T. Alder, MD 3/4 14:32", "3/4"),
        ("COMPARISON: 02/11/2019, 7.9., 2019/1/2.", "7.9"),
        ("Kontrolle am 3. d. M. erbeten.", "3. d. M"),
        ("The patient is 101 and lives alone.", "101"),
        ("93-jähriger Patient aus dem Heim.", "93"),
        ("STONE^HOPE CHEST LAT", "HOPE"),
        ("she lives at 12 harbour view road unit 4 k1a 0b1", "harbour"),
        ("Reader: m. black/ja", "black"),
        ("Spoke to neighbour Rose, by phone.", "Rose"),
        ("No effusion. Bill drove.", "Bill"),
        ("Read with Ana DOE-SMYTHE yesterday.", "DOE"),
        ("Seen by Dr. tigist h. abebe.", "abebe"),
    ],
)
def test_what_stands_beside_gives_it_away(text: str, gone: str) -> None:
    assert gone not in clean_report(text).text


@pytest.mark.parametrize(
    "text",
    [
        "Grade 3/6 murmur. Image 3/4 shows the apex.",
        "Heart rate is 101 and saturation is 97 %.",
        "Read again: black areas are air.",
        "The nurse will call. Young adult with cough.",
        "Bill of the duck is not a sign.",
        "Mass of the right lung 3.4 cm, 5.6 cm before.",
    ],
)
def test_what_looks_like_it_stays(text: str) -> None:
    assert clean_report(text).text == text


def test_a_shortened_institution_of_the_header_goes_whole() -> None:
    known = Identifiers.of(phrases=["Northgate District Hospital"])
    assert "DIST" not in clean_report("NORTHGATE DIST HOSP\nHeart normal.", known).text
