"""One state from many voices, by the stated rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment.labels.consensus import RULES, settle
from fulfillment.labels.methods import Method, known_method, read_method
from fulfillment.labels.statement import Statement, people_behind
from requests_app.taxonomy import LabelState


def said(state: str, method: str = "", reader: str = "", **more: Any) -> Statement:
    return Statement(LabelState(state), Method(method), reader, **more)


def result(*statements: Statement) -> tuple[str, str]:
    verdict = settle(statements)
    return verdict.state.value, verdict.rule


def test_the_strongest_kind_of_source_decides_alone() -> None:
    voices = [
        ("software", said("absent", "report_nlp")),
        ("unsaid", said("present")),
        ("report_read", said("absent", "report_read")),
        ("single", said("present", "single_reader", "a")),
        ("imaging", said("absent", "imaging")),
        ("consensus", said("present", "consensus", is_consensus=True)),
        ("adjudicated", said("absent", "adjudicated")),
    ]
    for place, (rule, strongest) in enumerate(voices):
        heard = [voice for _, voice in voices[: place + 1]]
        assert result(*heard) == (strongest.state.value, rule)
        assert rule in RULES
        verdict = settle(heard)
        assert set(verdict.agreed) == {one for one in heard if one.state is strongest.state}
        assert set(verdict.differed) == {one for one in heard if one.state is not strongest.state}


def test_the_majority_of_readers_decides_and_a_tie_is_possible() -> None:
    a, b, c = (said(state, "single_reader", who) for state, who in (("present", "a"), ("absent", "b"), ("absent", "c")))
    assert result(a, b) == ("possible", "majority")
    assert result(a, b, c) == ("absent", "majority")
    assert result(a) == ("present", "single")
    assert settle([a, b, c]).differed == (a,)


def test_present_and_likely_are_one_side() -> None:
    present, likely, absent = said("present", reader="a"), said("likely", reader="b"), said("absent", reader="c")
    assert result(present, likely) == ("likely", "majority")
    assert result(present, likely, absent) == ("likely", "majority")
    assert result(present, said("present", reader="d"), likely, absent) == ("present", "majority")
    assert result(said("possible", reader="a"), said("possible", reader="b"), absent) == ("possible", "majority")


def test_a_row_that_speaks_for_several_has_several_voices() -> None:
    three = said("present", "n_readers", readers=3)
    others = [said("absent", "single_reader", who) for who in "ab"]
    assert result(three, *others) == ("present", "majority")
    assert people_behind([three, *others]) == 3


def test_a_reader_has_one_voice_and_one_who_contradicts_himself_is_unsure() -> None:
    twice = [said("present", "single_reader", "a"), said("present", "image_read", "a")]
    assert result(*twice, said("absent", "single_reader", "b"))[0] == "possible"
    assert result(said("present", "single_reader", "a"), said("absent", "single_reader", "a"))[0] == "possible"
    assert people_behind(twice) == 1


def test_who_does_not_mention_it_takes_no_part() -> None:
    silent = said("not_mentioned", "adjudicated")
    assert result(silent) == ("not_mentioned", "silent")
    assert result(silent, said("present", "report_nlp")) == ("present", "software")


voices = st.builds(
    said,
    st.sampled_from([state.value for state in LabelState]),
    st.sampled_from([method.value for method in Method]),
    st.sampled_from(["", "a", "b", "c"]),
    readers=st.sampled_from([None, 1, 2]),
)


@given(st.lists(voices, max_size=6), st.randoms())
def test_the_order_of_voices_does_not_matter(heard: list[Statement], random: Any) -> None:
    first = settle(heard)
    random.shuffle(heard)
    again = settle(heard)
    assert (first.state, first.rule) == (again.state, again.rule)
    assert len(first.agreed) + len(first.differed) == sum(one.state is not LabelState.NOT_MENTIONED for one in heard)
    if len({one.state for one in heard}) == 1:
        assert first.state is heard[0].state, "one voice, one state"


@pytest.mark.parametrize(
    ("word", "method", "readers"),
    [
        ("Two readers", "n_readers", 2),
        ("report", "report_nlp", None),
        ("CONSENSUS", "consensus", None),
        ("", "", None),
        ("Dr Grey", "other", None),
        ("other", "other", None),
    ],
)
def test_words_for_methods(word: str, method: str, readers: int | None) -> None:
    assert read_method(word) == (Method(method), readers)
    assert known_method(word) == method


@given(voices)
def test_a_statement_survives_json(one: Statement) -> None:
    assert Statement.from_dict(one.as_dict()) == one
