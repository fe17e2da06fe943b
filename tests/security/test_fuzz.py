"""A short round of the fuzzer on each reader; `make fuzz` runs them longer."""

from __future__ import annotations

import pytest

from tests.fuzz import READERS, fuzz

pytestmark = pytest.mark.pure


@pytest.mark.parametrize("reader", sorted(READERS))
def test_a_reader_refuses_generated_input_in_its_own_words_or_reads_it(reader: str) -> None:
    result = fuzz(reader, 0, examples=25 if reader in ("dicom", "labels") else 60)
    assert not result.failed, result.failed
    assert result.inputs >= 20
