"""Dates: partial ones, ranges, offsets, nonsense, ages."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid.headers.dates import age_at, cap_age, shift_da, shift_dt, valid_tm, year_da, year_dt

days_of = st.integers(1, 730)
dates_of = st.dates(date(1900, 1, 1), date(2100, 1, 1))


@given(dates_of, dates_of, days_of)
def test_intervals_between_dates_survive_the_shift(first: date, second: date, days: int) -> None:
    moved = [shift_da(d.strftime("%Y%m%d"), days) for d in (first, second)]
    assert moved[0] == (first - timedelta(days=days)).strftime("%Y%m%d")
    gap = date(*_parts(moved[1])) - date(*_parts(moved[0]))
    assert gap == second - first


def _parts(text: str | None) -> tuple[int, int, int]:
    assert text
    return int(text[:4]), int(text[4:6]), int(text[6:])


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240315", "20240308"),
        ("2024.03.15", "20240308"),
        ("20240101-20240315", "20231225-20240308"),
        ("20240315-", "20240308-"),
        ("-20240315", "-20240308"),
        ("202403", "202402"),
        ("2024", "2023"),
        ("00010101", None),
        ("20241350", None),
        ("yesterday", None),
        ("", None),
        ("-", None),
    ],
)
def test_da_values_in_every_spelling(text: str, expected: str | None) -> None:
    assert shift_da(text, 7) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20240315101530.123456+0100", "20240308101530.123456+0100"),
        ("20240315101530", "20240308101530"),
        ("2024031510", "2024030810"),
        ("202403", "202402"),
        ("20240315-0500", "20240308-0500"),
        ("20240315256199", None),
        ("Smith", None),
    ],
)
def test_dt_values_keep_time_and_offset(text: str, expected: str | None) -> None:
    assert shift_dt(text, 7) == expected


def test_only_the_year_stays_when_the_policy_says_so() -> None:
    assert year_da("20240315") == "20240101"
    assert year_dt("20240315101530+0100") == "2024"
    assert year_da("19 March") is None


def test_times_must_be_times() -> None:
    assert valid_tm("10:15:30.5") == "101530.5"
    assert valid_tm("2561") is None
    assert valid_tm("Featherstone") is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("101Y", "090Y"),
        ("089Y", "089Y"),
        ("090Y", "090Y"),
        ("006M", "006M"),
        ("73", "073Y"),
        ("005W", "005W"),
        ("Fred", None),
    ],
)
def test_ages_above_the_cap_are_grouped(text: str, expected: str | None) -> None:
    assert cap_age(text, 89) == expected


def test_an_age_is_computed_in_months_below_two_years() -> None:
    assert age_at(date(2023, 1, 31), date(2023, 2, 28)) == "001M"
    assert age_at(date(1950, 4, 12), date(2024, 4, 11)) == "073Y"
    assert age_at(date(2024, 4, 12), date(2024, 4, 11)) is None
