"""The guard over typed text: what it stops, what it lets pass, and how long it may take."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from requests_app.guard import check_text, fingerprint, is_hard

HARD = {
    "record number": [
        "MRN 12345678",
        "MRN: A-123456",
        "Medical record number: 00123456",
        "patient ID 4711234",
        "Patient no. 778899",
        "the patient's number is 4711999",
        "hospital number H1234567",
        "Fallnummer 1234567",
        "PatientID=ABC12345",
        "case #12345",
    ],
    "accession number": ["accession 20231234567", "Accession No: ACC123456", "acc# 998877"],
    "social security number": ["SSN 123-45-6789"],
    "NHS number": ["943 476 5919"],
    "study or image identifier": ["see 1.2.840.113619.2.55.3.604688119"],
}
SOFT = {
    "e-mail address": ["write to x.y@hospital.org"],
    "date of birth": ["DOB 12/03/1950", "born on 12 March 1950", "geb. 12.03.1950", "date of birth: 1950-03-12"],
    "telephone number": ["call +49 30 1234567", "(212) 555-1234", "0171 2345678", "212-555-1234"],
    "name": ["Mrs Smith has it", "patient John Smith", "Smith, John", "DOE^JANE", "ask Dr Anna Schmidt"],
    "long number": ["the study 12345678 shows it"],
}
FINE = [
    "Do you accept 10000000 images of 500000 patients?",
    "Are lateral views optional? 1,200,000 images are here.",
    "Transfer syntax 1.2.840.10008.1.2.4.50 allowed?",
    "Delivery until 2027-03-31?",
    "Siemens Ysio Max, 2015-2020",
    "Pixel spacing 0.139 mm, 3520 x 4280",
    "Pleural Effusion, Pneumothorax in scope",
    "Victoria Hospital delivers",
    "from 01/01/2015 to 31/12/2020",
    "In case 1000 images are needed",
    "patient numbers: 4000 in all",
    "000-12-3456 is no social security number",
]


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in HARD.items() for text in texts])
def test_a_labelled_or_formed_number_is_refused(kind: str, text: str) -> None:
    found = check_text(f"Hello, {text}. Thanks")
    assert [(finding.kind, finding.severity) for finding in found] == [(kind, "hard")]
    assert is_hard(found)


@pytest.mark.parametrize(("kind", "text"), [(kind, text) for kind, texts in SOFT.items() for text in texts])
def test_what_may_be_a_mistake_is_only_warned_about(kind: str, text: str) -> None:
    found = check_text(f"Hello, {text}. Thanks")
    assert [(finding.kind, finding.severity) for finding in found] == [(kind, "soft")]
    assert not is_hard(found)


@pytest.mark.parametrize("text", FINE)
def test_an_ordinary_question_passes(text: str) -> None:
    assert check_text(text) == []


def test_a_finding_says_where_and_what_and_what_to_do() -> None:
    text = "Please look at MRN 12345678, and mail a@b.org."
    record, mail = check_text(text)
    assert text[record.start : record.end] == record.shown == "MRN 12345678"
    assert text[mail.start : mail.end] == "a@b.org"
    assert all(finding.why and finding.remedy for finding in (record, mail))


def test_a_confirmation_stands_for_these_words_and_no_others() -> None:
    assert fingerprint(" call 0171 2345678\r\nnow ") == fingerprint("call 0171 2345678\nnow")
    assert fingerprint("call 0171 2345678") != fingerprint("call 0171 2345679")


@given(st.text(alphabet=st.sampled_from("aA1 .,-/@^#:()+\n'é"), max_size=400))
@settings(max_examples=100, deadline=None)
def test_findings_never_overlap_and_lie_within_the_text(text: str) -> None:
    end = 0
    for finding in check_text(text):
        assert end <= finding.start < finding.end <= len(text)
        end = finding.end


@pytest.mark.parametrize(
    "unit",
    ["patient ", "1.1", "a@", "+1 ", "0", "Aa ", "(", "1 2 3 4 ", "A^", "Aa-", "MRN   ", "born ", "Anna Anna", "1.2."],
)
def test_no_text_keeps_it_busy(unit: str) -> None:
    started = time.perf_counter()
    check_text(unit * (10_000 // len(unit)))
    assert time.perf_counter() - started < 1.0
