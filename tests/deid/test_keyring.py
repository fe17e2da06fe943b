"""Keyed pseudonyms."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deid import KeyProblem, Keyring, read_key_file

SECRET = b"test secret of thirty-two bytes!"
uids = st.lists(st.integers(0, 10**6), min_size=2, max_size=8).map(lambda parts: ".".join(map(str, parts)))


@given(uids, uids)
def test_uids_are_valid_stable_and_distinct(first: str, second: str) -> None:
    keys = Keyring(SECRET, "a")
    new = keys.uid(first)
    assert new.startswith("2.25.") and len(new) <= 64 and int(new[5:]) < 2**122
    assert new == Keyring(SECRET, "other name").uid(first + "\0")
    assert (keys.uid(second) == new) == (first == second)


def test_two_keys_share_no_pseudonym() -> None:
    one, two = Keyring(SECRET), Keyring(SECRET[::-1])
    key = one.patient_key("123")
    assert one.pseudonym(key) != two.pseudonym(key)
    assert one.uid("1.2.3") != two.uid("1.2.3")
    assert one.accession("123") != one.study_id("123") != one.pseudonym(key)[:16]


def test_spellings_of_one_record_number_are_one_patient() -> None:
    keys = Keyring(SECRET)
    assert keys.patient_key(" 00ab12 ") == keys.patient_key("AB12")
    assert keys.patient_key("AB12", "HOSP A") != keys.patient_key("AB12", "HOSP B")


def test_blank_patient_ids_do_not_collapse_into_one_patient() -> None:
    keys = Keyring(SECRET)
    assert keys.patient_key("", fallback="1.2.3") != keys.patient_key(" ", fallback="1.2.4")
    assert keys.patient_key("0") != keys.patient_key("", fallback="0")


@given(st.text(max_size=20), st.integers(7, 2000), st.sampled_from([1, 7]))
def test_shifts_are_positive_multiples_within_the_limit(patient: str, most: int, multiple: int) -> None:
    days = Keyring(SECRET).shift_days(patient, maximum_days=most, multiple_of=multiple)
    assert 1 <= days <= most and days % multiple == 0


def test_a_short_key_is_refused_with_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(KeyProblem, match="random"):
        Keyring(b"short")
    path = tmp_path / "key"
    path.write_bytes(b"too short")
    with pytest.raises(KeyProblem, match="32 bytes"):
        read_key_file(str(path))


def test_a_key_file_may_be_hexadecimal_or_raw_and_never_shows_its_secret(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("AB" * 32 + "\n")
    keys = read_key_file(str(path))
    assert keys.secret == b"\xab" * 32
    assert len(keys.key_id) == 12 and keys.key_id != "ab" * 6
    assert "secret" not in repr(keys)
