"""Hostile input: refused as values, quickly, without exceptions and without leaking."""

from __future__ import annotations

import resource
import struct
import sys
import time
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from deid import REASONS, Keyring, Quarantined, deidentify, load_policy
from deid.batch.guard import WorkLimits
from deid.batch.pool import Lost, Pool
from deid.dicomfile.limits import DEFAULT_LIMITS
from tests.deid.batch.test_pool import resident
from tests.deid.fuzz import mutants
from tests.deid.objects import SECRET, SHARED, BlindDetector, SilentReader, clean, make_file, plain_chest, withheld
from tests.deid.zoo import BASELINE, J2K, JPEG_LS, LOSSLESS, animals, stream, with_stream

SMALL = make_file(plain_chest(32, 24))


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7 " * 40, b"\0" * 5000, b"PK\x03\x04" + b"\0" * 400])
def test_files_that_are_not_dicom_are_rejected_as_such(data: bytes) -> None:
    assert withheld(data) == "not-dicom"


def _nested(depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        item = b"\xfe\xff\x00\xe0" + struct.pack("<I", len(inner)) + inner
        inner = b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<I", len(item)) + item
    return inner


def _insert(element: bytes, before: bytes = b"\x10\x00\x10\x00PN") -> bytes:
    at = SMALL.index(before)
    return SMALL[:at] + element + SMALL[at:]


def test_deep_nesting_is_refused_and_does_not_recurse() -> None:
    base = _without_reference(SMALL)
    at = base.index(b"\x10\x00\x10\x00PN")
    started = time.process_time()
    assert withheld(base[:at] + _nested(1500) + base[at:]) == "nested-too-deep"
    assert time.process_time() - started < 2


def _without_reference(data: bytes) -> bytes:
    start = data.index(b"\x08\x00\x40\x11SQ")
    return data[:start] + data[data.index(b"\x10\x00\x10\x00PN") :]


def test_a_sequence_of_very_many_items_is_refused_quickly() -> None:
    items = b"\xfe\xff\x00\xe0\0\0\0\0" * 200_000
    element = b"\x08\x00\x40\x11SQ\0\0" + struct.pack("<I", len(items)) + items
    base = _without_reference(SMALL)
    at = base.index(b"\x10\x00\x10\x00PN")
    started = time.process_time()
    assert withheld(base[:at] + element + base[at:]) == "too-many-elements"
    assert time.process_time() - started < 3


def test_a_large_file_is_refused_before_it_is_parsed() -> None:
    limits = replace(DEFAULT_LIMITS, file_bytes=1000)
    outcome = deidentify(SMALL, load_policy(), Keyring(SECRET), limits=limits)
    assert isinstance(outcome, Quarantined) and outcome.reason == "file-too-large"


def test_a_duplicate_element_is_withheld() -> None:
    assert withheld(_insert(b"\x08\x00\x90\x00PN\x04\x00Abcd")) == "duplicate-element"


def test_a_deflate_bomb_is_refused() -> None:
    import zlib

    head = SMALL[: SMALL.index(b"\x08\x00\x05\x00CS")].replace(b"1.2.840.10008.1.2.1\0", b"1.2.840.10008.1.2.1.99")
    head = head.replace(b"\x10\x00UI\x14\x00", b"\x10\x00UI\x16\x00")
    packer = zlib.compressobj(9, zlib.DEFLATED, -zlib.MAX_WBITS)
    body = packer.compress(b"\0" * 50_000_000) + packer.flush()
    limits = replace(DEFAULT_LIMITS, file_bytes=1_000_000)
    outcome = deidentify(head + body, load_policy(), Keyring(SECRET), limits=limits)
    assert isinstance(outcome, Quarantined) and outcome.reason == "file-too-large"


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.data())
def test_damaged_files_give_a_reason_or_a_clean_file_and_never_an_exception(data: st.DataObject) -> None:
    broken = bytearray(SMALL)
    for _ in range(data.draw(st.integers(1, 6))):
        broken[data.draw(st.integers(0, len(broken) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(broken))))
    outcome = clean(bytes(broken[:cut]))
    if isinstance(outcome, Quarantined):
        assert outcome.reason in REASONS and outcome.reason != "engine-error", outcome.record.detail
    else:
        assert b"Featherstone" not in outcome.data


ZOO = sorted(animals())
GROUPS = 12


def answer(name: str) -> tuple[str, str, float, int]:
    """(reason or "released", detail, processor seconds, peak memory in bytes) of one animal, in a worker.

    What the worker was forked with beyond 100 MiB belongs to this test process and is taken off.
    """
    data = animals()[name]()
    held = resident()
    started = time.process_time()
    outcome = clean(data)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) - held
    reason = outcome.reason if isinstance(outcome, Quarantined) else "released"
    assert b"Featherstone" not in getattr(outcome, "data", b"")
    return reason, outcome.record.detail, time.process_time() - started, peak


def no_preparation() -> None:
    """The engine needs none."""


@pytest.mark.parametrize("group", range(GROUPS))
def test_every_animal_of_the_zoo_ends_as_a_reason_within_five_seconds_and_one_gibibyte(group: int) -> None:
    # The worker is forked from this test process, whose own memory is not the file's.
    limits = WorkLimits(patience=50, memory_bytes=WorkLimits.memory_bytes + resident())
    names = ZOO[group::GROUPS]
    with Pool(1, no_preparation, (), limits) as pool:
        results = dict(pool.map(answer, names, limits.header_seconds))
    assert set(results) == set(names)
    for name, result in results.items():
        if isinstance(result, Lost):
            # A decoder that crashes on noise ends its worker; that is what the worker is for.
            assert result.reason == "worker-died" and "noise" in name, (name, result)
            continue
        reason, detail, seconds, peak = result
        assert reason == "released" or (reason in REASONS and reason != "engine-error"), (name, reason, detail)
        assert seconds < 5 and peak < 1 << 30, (name, seconds, peak)


def test_a_second_image_behind_the_first_or_bytes_in_the_offset_table_do_not_pass_through() -> None:
    for syntax in (BASELINE, LOSSLESS, JPEG_LS, J2K):
        code = stream(syntax)
        code += b"\0" * (len(code) % 2)
        for data in (
            with_stream(syntax, code, code),
            with_stream(syntax, code + code),
            with_stream(syntax, code, table=b"Featherstone"),
        ):
            outcome = clean(data)
            assert isinstance(outcome, Quarantined) or not outcome.record.pixel_passthrough, syntax
        whole = clean(with_stream(syntax, code[:100], code[100:], table=bytes(4)))
        assert not isinstance(whole, Quarantined) and whole.record.pixel_passthrough, syntax


@pytest.mark.parametrize("seed", range(6))
def test_structural_mutations_of_valid_files_never_crash_or_leak(seed: int) -> None:
    for number, data in enumerate(mutants(seed, 40)):
        outcome = clean(data)
        reason = outcome.reason if isinstance(outcome, Quarantined) else "released"
        assert reason != "engine-error", (seed, number, outcome.record.detail)
        if not isinstance(outcome, Quarantined):
            assert b"Featherstone" not in outcome.data and b"0071829304" not in outcome.data, (seed, number)


def test_every_real_file_of_the_shared_collections_is_answered_with_a_value() -> None:
    folder = SHARED / "dicom"
    if not folder.is_dir():
        pytest.skip("../shared/data/dicom is absent: no malformed files on this machine")
    seen: dict[str, int] = {}
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        outcome = deidentify(
            path.read_bytes(), load_policy(), Keyring(SECRET), detector=BlindDetector(), reader=SilentReader()
        )
        reason = outcome.reason if isinstance(outcome, Quarantined) else "released"
        assert reason != "engine-error", (path.name, outcome.record.detail)
        seen[reason] = seen.get(reason, 0) + 1
    assert len(seen) >= 8 and "malformed" in seen


def test_reasons_name_cause_and_remedy_and_are_all_known() -> None:
    for code, reason in REASONS.items():
        assert reason.code == code and reason.cause.endswith(".") and reason.remedy.endswith(".")
        assert reason.kind in ("rejected", "quarantined", "review")
