"""Hostile files through the command: each ends as a reason within five processor seconds and one gibibyte, and the run goes on."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from deid import REASONS
from deid.batch.guard import DEFAULT_WORK_LIMITS, GIBIBYTE
from tests.deid.objects import SHARED, make_file, plain_chest
from tests.deid.test_command import Batch, no_network
from tests.deid.zoo import animals

__all__ = ["no_network"]
# Those that take longest to make, refuse or decode; every animal by itself is in tests/deid/test_hostile.py.
HEAVY = ("both-say-12000", "bomb", "1000000", "300000", "39000", "text-10-mb", "private-20-mb", "names-6000", "scans")


def hostile() -> Iterator[tuple[str, bytes]]:
    """A quarter of the zoo with all that is heavy in it, and the malformed files of the shared collection where it is."""
    for number, name in enumerate(sorted(animals())):
        if number % 4 == 0 or any(part in name for part in HEAVY):
            data = animals()[name]()
            if not data.startswith(b"PK"):  # archives end as many files; they have tests of their own
                yield name, data
    folder = SHARED / "dicom" / "malformed_pwnlab_v2"
    for path in sorted(folder.rglob("*.dcm")) if folder.is_dir() else ():
        yield f"pwnlab-{path.parent.name}-{path.name}", path.read_bytes()


def good(n: int) -> bytes:
    facts = {"PatientID": f"P{n}", "StudyInstanceUID": f"1.2.4.{n}", "SOPInstanceUID": f"1.2.5.{n}"}
    return make_file(plain_chest(64, 48, seed=n), **facts)


def test_hostile_files_end_as_reasons_under_the_commands_own_limits_and_the_good_ones_among_them_come_out(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert DEFAULT_WORK_LIMITS.memory_bytes == GIBIBYTE and DEFAULT_WORK_LIMITS.header_seconds == 5
    batch = Batch(tmp_path)
    names = []
    for n, (name, data) in enumerate(hostile()):
        names.append(f"{n:04d}-{name}")
        batch.put(names[-1], data)
        if n % 20 == 0:
            batch.put(f"{n:04d}-~good", good(n))
    assert batch.run("--workers", "2", "--file-timeout", "5") == 3
    rows = batch.rows()
    kept = sorted(path.name for path in batch.input.iterdir())
    assert len(rows) == len(kept)
    ends = dict(zip(kept, rows, strict=True))
    for name, row in ends.items():
        if name.endswith("~good"):
            assert row["status"] == "released", (name, row["reason"])
        elif row["status"] != "released":
            assert row["reason"] in REASONS and row["reason"] not in ("engine-error", "time-limit"), name
            # Workers are forked from the test process and share its gibibyte: after a long suite a bomb may meet that limit
            # before the one on what it unpacks to.
            assert row["reason"] != "memory-limit" or "bomb" in name, name
            assert row["reason"] != "worker-died" or "noise" in name, name
    for path in batch.tree():
        assert b"Featherstone" not in (batch.output / path).read_bytes()
    said = capsys.readouterr()
    assert "Featherstone" not in said.out + said.err + batch.report.read_text()


def test_reasons_do_not_depend_on_the_number_of_workers(tmp_path: Path) -> None:
    batch = Batch(tmp_path)
    for n, (name, data) in enumerate(hostile()):
        if len(data) < 200_000 and n % 10 == 0 and "noise" not in name:
            batch.put(name, data)
    maps = []
    for workers in ("1", "2"):
        assert batch.run("--workers", workers, output=batch.root / f"out{workers}") == 3
        with batch.map.open(newline="") as stream:
            maps.append(list(csv.reader(stream)))
    assert maps[0] == maps[1]
    assert batch.tree(batch.root / "out1") == batch.tree(batch.root / "out2")
