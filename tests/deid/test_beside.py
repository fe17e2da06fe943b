"""Digests that are counted beside the main line: the same results, however they are reached."""

from __future__ import annotations

import hashlib
import threading

import pytest

from deid.beside import WORTH_A_THREAD, Beside
from tests.deid.objects import clean, make_file, plain_chest


@pytest.mark.parametrize("size", [0, WORTH_A_THREAD])
def test_a_call_gives_its_result_as_often_as_asked_and_runs_once(size: int) -> None:
    calls: list[str] = []
    with Beside(lambda: calls.append("x") or len(calls), size) as beside:
        assert beside.result() == 1 and beside.result() == 1
    assert calls == ["x"]


@pytest.mark.parametrize("size", [0, WORTH_A_THREAD])
def test_what_a_call_raises_comes_out_where_its_result_is_asked_for(size: int) -> None:
    def broken() -> int:
        raise MemoryError

    with Beside(broken, size) as beside, pytest.raises(MemoryError):
        beside.result()


def test_without_a_thread_to_be_had_the_call_runs_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refused)
    assert Beside(lambda: 7, WORTH_A_THREAD).result() == 7


@pytest.mark.parametrize("shape", [(64, 48), (900, 800)])
def test_the_digests_of_a_record_are_those_of_the_bytes_also_of_large_and_of_withheld_files(
    shape: tuple[int, int],
) -> None:
    data = make_file(plain_chest(*shape))
    outcome = clean(data)
    assert outcome.record.input_sha256 == hashlib.sha256(data).hexdigest()
    assert outcome.record.output_sha256 == hashlib.sha256(outcome.data).hexdigest()  # type: ignore[union-attr]
    assert outcome.record.pixel_sha256_in == outcome.record.pixel_sha256_out != ""
    for broken in (data[:-9], data.replace(b"1.2.840.10008.5.1.4.1.1.1\0", b"1.2.840.10008.5.1.4.1.1.2\0")):
        record = clean(broken).record
        assert record.input_sha256 == hashlib.sha256(broken).hexdigest()
        assert record.decision == "withheld" and record.output_sha256 == ""
