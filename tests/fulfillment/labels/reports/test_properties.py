"""What holds for any text: evidence quotes the text, an unrelated sentence changes nothing, nothing raises, and time is linear."""

from __future__ import annotations

import re
import time
from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fulfillment.labels.reports import in_taxonomy, label_report, report_states, sections
from fulfillment.labels.reports.lexicon import lexicon
from requests_app.taxonomy import TAXONOMY_NAMES, LabelState
from tests.fulfillment.labels.measure_reports import gold

pytestmark = pytest.mark.pure
_WORDS = (
    "no|without|likely|possible|or|and|,|.|\n|\n\n|:|/|?|with|but|not seen|resolved|history of|IMPRESSION:|findings:|effusion"
    "|pneumothorax|heart is|enlarged|normal|small|left|XXXX|nodule|atelectasis|versus|scar|may be|cannot be excluded|lungs are clear"
    "|pneumonia|1.|- |fracture|rib|volume loss"
).split("|")
reports = st.one_of(st.text(max_size=300), st.lists(st.sampled_from(_WORDS), max_size=60).map(" ".join))


@given(reports)
@example("İ heart size normal no İeffusion")
@example("\ufeffNO\x00 EFFUSION\ud800")
@settings(max_examples=100, deadline=None)
def test_any_text_is_read_and_evidence_lies_inside_it(text: str) -> None:
    parts = sections(text)
    assert all(0 <= one.start <= one.end <= len(text) for one in parts)
    assert all(one.end <= two.start for one, two in pairwise(parts))
    for statement in label_report(text):
        assert 0 <= statement.start < statement.end <= len(text)
        assert any(part.start <= statement.start and statement.end <= part.end for part in parts)
        assert text[statement.start : statement.end].strip() == text[statement.start : statement.end]
        assert statement.state is not LabelState.NOT_MENTIONED


@given(reports)
@settings(max_examples=60, deadline=None)
def test_each_list_gets_one_state_a_finding_from_a_statement_of_the_report(text: str) -> None:
    statements = label_report(text)
    for name in TAXONOMY_NAMES:
        assert all(statement in statements for statement in in_taxonomy(statements, name).values())
    assert set(report_states(statements)) == {statement.finding for statement in statements}


def test_an_unrelated_sentence_changes_no_state() -> None:
    for report in gold():
        before = report_states(label_report(report.text))
        after = report_states(label_report(report.text.rstrip() + " \n\nThe study was read at the workstation."))
        assert after == before, report.id


def test_what_is_quoted_says_the_finding_in_the_lexicons_own_words() -> None:
    forms = lexicon().forms
    for report in gold()[:100]:
        for statement in label_report(report.text):
            quoted = report.text[statement.start : statement.end].lower()
            assert any(word in forms for word in re.findall(r"[^\W\d_]+", quoted)), report.id


HOSTILE = {
    "no no no": "no " * 33_000,
    "commas": "," * 100_000,
    "list without end": "effusion, " * 10_000,
    "alternatives without end": "atelectasis or pneumonia/edema " * 3_500,
    "colons": "findings: " * 10_000,
    "line feeds": "\n \n" * 33_000,
    "one word": "a" * 100_000,
    "heart heart heart": "heart size is " * 7_000,
    "question marks": "? " * 50_000,
    "digits": "1. 2) " * 16_000,
    "headers alone": "Impression \n" * 8_000,
    "spaces": " " * 100_000 + "effusion",
    "letters and spaces": "ab " * 33_000,
    "dashes": "----" * 25_000,
    "likely likely": "likely effusion " * 6_000,
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE.keys())
def test_time_grows_with_the_length_of_a_hostile_text_and_not_with_its_square(text: str) -> None:
    def seconds(of: str) -> float:
        started = time.process_time()
        label_report(of)
        return time.process_time() - started

    seconds(text[:1000])
    eighth, whole = seconds(text[: len(text) // 8]), seconds(text)
    # Linear is 8, quadratic 64; what takes next to no time is not measured, and a busy machine is allowed for.
    assert whole < 0.5 or whole < 30 * eighth
