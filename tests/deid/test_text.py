"""Descriptor cleaning: identifiers, patterns, vocabulary, whole words."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from deid.text.clean import clean_text, safe_code
from deid.text.identifiers import PLACEHOLDERS, Identifiers
from deid.text.vocabulary import NAME, classify


def known(*names: str, numbers: tuple[str, ...] = ()) -> Identifiers:
    identifiers = Identifiers()
    for name in names:
        identifiers.add_name(name)
    for number in numbers:
        identifiers.add_number(number)
    return identifiers


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hilar mass HILLIARD", "Hilar mass"),
        ("PORTABLE chest portman", "PORTABLE chest"),
        ("CHEST_PA^HILLIARD", "CHEST_PA"),
        ("CHEST HILLIARDS XYZZY", "CHEST"),
        ("MRN 71829304 chest", "MRN chest"),
        ("007-182-9304 AP", "AP"),
        ("Dr. van Houten chest AP", "Dr chest AP"),
        ("chest, DOB 12/04/1950", "chest, DOB"),
        ("chest 4 April 1950", "chest"),
        ("chest call 555-123-4567", "chest call"),
        ("chest a.b@hospital.org http://x.org/p?id=3 10.0.0.12", "chest"),
        ("ThoraxAP 14x17 120kV 2.5mm", "ThoraxAP 14x17 120kV 2.5mm"),
        ("Röntgen THORAX seitlich Müller", "Röntgen THORAX seitlich"),
        ("XR CHEST 2 VIEWS (PA/LAT)", "XR CHEST 2 VIEWS (PA/LAT)"),
        ("12345", ""),
        ("山田 胸部 chest", "chest"),
    ],
)
def test_descriptors_keep_radiology_and_lose_people(text: str, expected: str) -> None:
    identifiers = known("Hilliard^John", "Portman^Ann", "山田^太郎", numbers=("0071829304",))
    assert clean_text(text, identifiers) == expected


def test_a_name_that_radiology_also_uses_is_removed_from_the_patients_own_text() -> None:
    assert clean_text("CHEST LONG BASE", known("Base^Marian")) == "CHEST"


def test_names_with_accents_are_found_without_them() -> None:
    identifiers = known("Müller^Zoë")
    assert clean_text("chest MULLER Zoe ZOË", identifiers) == "chest"


def test_makers_and_models_keep_their_names_and_lose_people() -> None:
    identifiers = known("Smith^J")
    assert clean_text("Philips DigitalDiagnost 4.2", identifiers, device=True) == "Philips DigitalDiagnost 4.2"
    assert clean_text("FUJIFILM Corporation", identifiers, device=True) == "FUJIFILM Corporation"
    assert clean_text("DRX-Evolution Smith Aldhelm", identifiers, device=True) == "DRX-Evolution"


def test_codes_are_refused_outside_their_alphabet_or_with_a_name() -> None:
    identifiers = known("Featherstone^W")
    assert safe_code("ORIGINAL", identifiers) == "ORIGINAL"
    assert safe_code("FEATHERSTONE", identifiers) == ""
    assert safe_code("ZZYZXQUA", identifiers) == ""
    assert safe_code("POST_PROCESSED", identifiers) == "POST_PROCESSED"
    assert safe_code("Dr. Who", identifiers) == ""
    assert safe_code("ID 71829304", identifiers) == ""


words = st.text("abcdefghijklmnopqrstuvwxyzäöüé", min_size=3, max_size=12)


@given(words, st.sampled_from(["chest {}", "{} pa", "PA^{}^lateral", "see {}, upright", "{}_AP"]))
def test_no_name_survives_in_any_frame(name: str, frame: str) -> None:
    assume(name not in PLACEHOLDERS)
    identifiers = known(f"{name}^x")
    assume(name not in identifiers.guarded)  # "the" and "von" go only beside another part of the name
    cleaned = clean_text(frame.format(name.upper()), identifiers)
    assert name.casefold() not in cleaned.casefold().replace("^", " ").replace("_", " ").split()


@given(st.text(max_size=60))
def test_cleaning_never_invents_and_is_stable(text: str) -> None:
    identifiers = known("Featherstone^W")
    once = clean_text(text, identifiers)
    assert clean_text(once, identifiers) == once


@pytest.mark.parametrize("model", ["DX-D 600", "CR-IR 392", "Thunder Platform", "DX-D", "CR 85-X", "Ysio Max"])
def test_model_names_of_the_trade_stay_whole(model: str) -> None:
    assert clean_text(model, Identifiers.of(names=["Featherstone^Wilhelmina"]), device=True) == model


def test_initials_and_names_in_a_model_name_go() -> None:
    known = Identifiers.of(names=["Featherstone^Wilhelmina"])
    assert clean_text("Featherstone DX-D", known, device=True) == "DX-D"
    assert clean_text("Room WF", known, device=True) == "Room"


@pytest.mark.parametrize(
    "written",
    [
        "F e a t h e r s t o n e",
        "F.E.A.T.H.E.R.S.T.O.N.E",
        "Feather-stone",
        "Feather stone",
        "feather_stone",
        "W.F.",
        "S M I T H",
    ],
)
def test_a_name_in_pieces_goes(written: str) -> None:
    cleaned = clean_text(f"CHEST PA {written}", Identifiers.of(names=["Featherstone^Wilhelmina"]))
    assert cleaned == "CHEST PA"


@pytest.mark.parametrize("text", ["P.A. chest", "chest a.p."])
def test_terms_in_single_letters_stay(text: str) -> None:
    assert clean_text(text, Identifiers.of(names=["Featherstone^Wilhelmina"])) == text


@pytest.mark.parametrize(
    "word", ["pneumonischem", "zunehmende", "fahrradsturz", "therapiekontrolle", "opresivas", "alteraciones"]
)
def test_inflected_words_of_other_languages_are_known(word: str) -> None:
    assert classify(word)


@pytest.mark.parametrize(
    "name",
    ["herzmann", "brustmann", "lungershausen", "steinbacher", "oberhofer", "campillo", "torreblanca", "rippenstein"],
)
def test_surnames_made_like_words_are_not_known(name: str) -> None:
    assert not classify(name) & ~NAME
