"""Reports: placeholders, dates under each policy, names by where they stand, and the hard set."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.text.identifiers import Identifiers
from deid.text.report import clean_report
from deid.text.spelling import normalise
from tests.deid.text.measure import label_states, load, measure_descriptors, measure_reports

KNOWN = Identifiers.of(
    names=["Hilliard^John^Peter", "Müller^Zoë"],
    numbers=["0071829304", "A-2024/55871"],
    phrases=["St. Aldhelm Infirmary"],
    dates=["20240312"],  # noqa: E501, RUF100
)


def cleaned(text: str, **options: object) -> str:
    return clean_report(text, KNOWN, **options).text  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        "Seen: HILLIARD, JOHN.",
        "Seen: J. Hilliard.",
        "Seen: Hiliard.",
        "Seen: Hilliadr.",
        "Seen: hilliardjohn.",
        "Seen: Mr. Hilliard's.",
        "Seen: Mueller.",
        "Seen: MULLER ZOE.",
    ],
)
def test_a_name_of_the_header_is_found_in_every_spelling(text: str) -> None:
    left = cleaned(text).replace("[NAME]", "").casefold()
    assert not any(part in left for part in ("hil", "john", "mul", "mue", "zoe")), left


@pytest.mark.parametrize(
    "number",
    ["0071829304", "71829304", "71-829-304", "7182 9304", "007.182.9304", "A 2024 55871", "A202455871", "ID71829304"],
)  # noqa: E501, RUF100
def test_a_record_number_of_the_header_is_found_however_it_is_spaced(number: str) -> None:
    left = cleaned(f"Record {number} seen.")
    assert not any(c.isdigit() for c in left), left


def test_hilar_and_portable_survive_patients_called_hilliard_and_portman() -> None:
    known = Identifiers.of(names=["Hilliard^Portman"])
    assert clean_report("Portable film. Hilar mass.", known).text == "Portable film. Hilar mass."


def test_a_name_that_radiology_uses_goes_only_where_it_stands_as_a_name() -> None:
    known = Identifiers.of(names=["Base^Marian"])
    text = clean_report(
        "Ms. Base has opacity at the left base. BASE, MARIAN was told. The patient Base agreed.", known
    ).text
    assert text == "Ms. [NAME] has opacity at the left base. [NAME] was told. The patient [NAME] agreed."


def test_words_that_are_also_names_stay_as_words_and_go_as_names() -> None:
    text = clean_report(
        "A brown stone near the church. Discussed with Dr. Stone and Rachel Brown. There may be edema. Dr. May agrees."
    ).text  # noqa: E501, RUF100
    assert (
        text
        == "A brown stone near the church. Discussed with Dr. [NAME] and [NAME]. There may be edema. Dr. [NAME] agrees."
    )


def test_eponyms_stay_beside_what_they_name_and_go_as_people() -> None:
    text = clean_report(
        "Kerley B lines. Swan-Ganz catheter. Hodgkin's lymphoma. Seen by Dr. Hodgkin and Nurse Ganz."
    ).text
    assert text == "Kerley B lines. Swan-Ganz catheter. Hodgkin's lymphoma. Seen by Dr. [NAME] and Nurse [NAME]."


@pytest.mark.parametrize(
    "term",
    [
        "T4",
        "L5",
        "2VW",
        "FiO2",
        "SpO2",
        "H2O",
        "3D",
        "CT1",
        "62F",
        "14x17",
        "120 kVp",
        "3.1 x 2.4 cm",
        "1/2",
        "T6-T7",
        "COVID-19",
        "4 to 8",
        "S1",
    ],  # noqa: E501, RUF100
)
def test_terms_with_digits_that_identify_nobody_stay(term: str) -> None:
    assert term in clean_report(f"Findings at {term} today.").text


@pytest.mark.parametrize(
    "value",
    [
        "12/03/2021",
        "2021-03-12",
        "12.3.21",
        "March 12th, 2021",
        "12 March",
        "12. März 2021",
        "12 de marzo de 2021",
        "Mar 2021",
        "03/2021",
        "02JUN2019",
        "14:35",
        "8pm",
        "(312) 555-0198",
        "+44 7700 900123",
        "a.b@hospital.org",
        "http://x.org/p?id=3",
        "10.0.0.12",
        "00:1B:44:11:3A:B7",
        "219-09-9999",
        "943 476 5919",
        "TRK-88410-XZ",
        "4418 Larkspur Lane, Naperville, IL 60540",
        "Lindenstraße 14, 73550 Waldstetten",
        "LS16 5PR",
        "SN 2210-8891",
    ],
)
def test_what_has_the_shape_of_an_identifier_goes(value: str) -> None:
    left = clean_report(f"The film was noted on {value} and is unchanged.").text
    assert not any(c.isdigit() for c in left), left
    assert left.endswith("is unchanged.")


@pytest.mark.parametrize(
    ("text", "moved"),
    [
        ("Film of 03/12/2024.", "Film of 03/05/2024."),
        ("Film of 2024-03-12.", "Film of 2024-03-05."),
        ("Film of March 12, 2024.", "Film of March 5, 2024."),
        ("Film of 12 Mar 2024.", "Film of 5 Mar 2024."),
        ("Aufnahme vom 12. März 2024 ohne Erguss.", "Aufnahme vom 5. März 2024 ohne Erguss."),
        ("Radiografía del 12 de marzo de 2024 sin derrame.", "Radiografía del 5 de marzo de 2024 sin derrame."),
        ("Film of 3/4.", "Film of [DATE]."),
        ("Born 03/12/1944.", "Born [DATE]."),
    ],
)
def test_dates_move_with_the_patients_shift_or_go(text: str, moved: str) -> None:
    assert clean_report(text, dates="shift", shift_days=7).text == moved


def test_the_headers_date_settles_which_number_is_the_month() -> None:
    known = Identifiers.of(dates=["20240403"])
    assert clean_report("Film of 03/04/2024.", known, dates="shift", shift_days=7).text == "Film of 27/03/2024."


def test_dates_become_years_or_stay_where_the_policy_says_so() -> None:
    assert clean_report("Film of 03/12/2024 at 14:32.", dates="year").text == "Film of 2024 at [TIME]."
    assert clean_report("Film of 03/12/2024 at 14:32.", dates="keep").text == "Film of 03/12/2024 at 14:32."


def test_ages_above_89_are_grouped_and_others_stay() -> None:
    assert (
        clean_report("A 94-year-old man and a 62-year-old woman.").text == "A 90+-year-old man and a 62-year-old woman."
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("The lungs are clear and there is no effusion.", "en"),
        ("Es besteht kein Erguss, die Lunge ist frei.", "de"),
        ("No se observa derrame pleural en el tórax.", "es"),
    ],
)
def test_the_language_is_guessed_from_its_function_words(text: str, language: str) -> None:
    result = clean_report(text)
    assert result.language == language
    assert result.text == text


def test_an_unknown_language_or_date_policy_is_refused_with_the_remedy() -> None:
    with pytest.raises(ValueError, match="Give one of de, en, es"):
        clean_report("x", language="xx")
    with pytest.raises(ValueError, match="Give remove, shift, year or keep"):
        clean_report("x", dates="never")  # type: ignore[arg-type]


def test_spans_tell_kind_and_place_and_no_value() -> None:
    text = "Seen by Dr. Hilliard on 03/12/2024."
    result = clean_report(text, KNOWN)
    assert [(text[r.start : r.end], r.kind) for r in result.removed] == [("Hilliard", "NAME"), ("03/12/2024", "DATE")]
    assert result.counts == {"DATE": 1, "NAME": 1}
    assert "Hilliard" not in repr(result)


@given(st.text(max_size=120))
def test_any_text_is_cleaned_without_an_error_and_spans_lie_in_order(text: str) -> None:
    result = clean_report(text, KNOWN)
    ends = [0]
    for removed in result.removed:
        assert ends[-1] <= removed.start < removed.end <= len(normalise(text))
        ends.append(removed.end)


@pytest.mark.parametrize("half", ["dev", "heldout", "second"])
def test_the_hard_set_keeps_to_its_bars(half: str) -> None:
    tally = measure_reports(half)
    assert all(tally.header)
    assert sum(tally.every) >= 0.98 * len(tally.every)
    assert tally.lost <= 0.02 * tally.harmless
    assert tally.changed <= 0.02 * tally.states


@pytest.mark.parametrize("half", ["dev", "heldout"])
def test_descriptors_of_the_hard_set_keep_to_their_bars(half: str) -> None:
    tally = measure_descriptors(half)
    assert all(tally.header)
    assert sum(tally.every) >= 0.97 * len(tally.every)
    assert tally.lost <= 0.02 * tally.harmless


def test_the_measure_sees_what_is_left_and_what_is_lost() -> None:
    from tests.deid.text.measure import Tally, judge

    entry = load("reports", "dev")[0]
    untouched, emptied = Tally(), Tally()
    judge(untouched, entry, entry["text"])
    judge(emptied, entry, "")
    assert not any(untouched.every)
    assert untouched.lost == 0
    assert all(emptied.every)
    assert emptied.lost > 0.8 * emptied.harmless
    assert label_states("No effusion. There is a mass.") == {"effusion": "absent", "mass": "present"}


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("The ward saw Mr Quill. (Quill, S) came back.", "S)", "came back"),
        ("Tube seen. Ng is on oxygen. Dr Ng and Dr Abel agree. Called at noon.", "Ng is", "is on oxygen"),
        ("Seen by Dr Abel. NG tube in the stomach. Called back. Result given.", "Abel", "NG tube"),
        ("Old file C 22 918 334 requested.", "22 918 334", "requested"),
        ("Enlarged cardiac chambers. Atria Chambers has a valve. Dr Abel agrees.", "Atria", "cardiac chambers"),
        (
            "Se observa complejo de Ranke y hernia de Morgagni. Sin derrame.",
            "zzz",
            "complejo de Ranke y hernia de Morgagni",
        ),
        ("Keine pneumonischen Infiltrate, Herr Abel klagt über Husten.", "Abel", "klagt über Husten"),
        (
            "La paciente refiere tos. Fue valorada en urgencias y remitida.",
            "zzz",
            "Fue valorada en urgencias y remitida",
        ),
    ],
)
def test_what_an_outside_examiner_found(text: str, gone: str, kept: str) -> None:
    known = Identifiers.of(names=["Ng^Wei", "Quill^Siobhan", "Chambers^Atria", "Abel^Tom"])
    result = clean_report(text, known).text
    assert gone not in result and kept in result


def test_a_name_parted_at_the_end_of_a_line_goes() -> None:
    known = Identifiers.of(names=["Featherstone^Wilhelmina"])
    for text in (
        "Seen with Feather-\nstone at noon.",
        "Seen with S M I T H at noon.",
        "Seen with feather stone at noon.",
    ):
        cleaned = clean_report(text, known).text.lower()
        assert "feather" not in cleaned and "stone" not in cleaned and "i t h" not in cleaned and "at noon" in cleaned


@pytest.mark.parametrize(
    ("text", "gone", "kept"),
    [
        ("Seen by Dr chase on Tuesday the 4th, repeat on the 23rd.", ("chase", "Tuesday", "4th", "23rd"), "repeat"),
        (
            "DICTATED BY STONE. SEEN WITH DR CHASE AT HALF PAST THREE. LUNG FIELDS CLEAR.",
            ("STONE", "CHASE", "THREE"),
            "LUNG FIELDS",
        ),
        ("pt doe-smythe came, daughter joy called. m. black", ("doe", "smythe", "joy", "black"), "daughter"),
        ("Call oh seven seven double zero nine one two. Woman in her nineties.", ("seven", "nineties"), "Woman"),
        ("Film from FENWICK REG MED CTR seen 3/14.", ("FENWICK", "REG", "3/14"), "Film"),
        (
            "Thorax vom 22.11., keine umschriebene Verschattung. Herr Brückner, OA Wiesinger um halb vier.",
            ("22.11", "Brückner", "Wiesinger", "vier"),
            "umschriebene Verschattung",
        ),
        (
            "Comentado con la Dra. Zubizarreta a las dos y media. Velamiento basal izquierdo.",
            ("Zubizarreta", "media"),
            "Velamiento basal",
        ),
        ("Lung reports pain. Flat 4, 19 Carrow Street, Nettlesham.", ("Lung", "Carrow", "Nettlesham"), "pain"),
        ("Transferred from Harbor Pines Urgent Care. RJW/abc", ("Harbor", "Pines", "RJW", "abc"), "Transferred"),
        ("pnuemonia and emphesema, no frature.", ("zzz",), "pnuemonia and emphesema, no frature"),
    ],
)
def test_names_dates_and_places_go_however_they_are_said(text: str, gone: tuple[str, ...], kept: str) -> None:
    known = Identifiers.of(names=["Doe-Smythe^Lung"], phrases=["Fenwick Regional Medical Center"], dates=["20240314"])
    left = clean_report(text, known).text
    assert not [word for word in gone if word in left] and kept in left, left
