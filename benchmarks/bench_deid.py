"""The engine's header path against dicognito and dicom-anonymizer on the same files in the same run; workers and memory.

    python -m benchmarks.bench_deid [ROUNDS]

Figures of different machines do not compare; the ratios do. Tools take turns, file set by file set, and processor time is
counted beside the clock, so that what else the machine does falls on all alike.

Ours stands there in three stages, because the peers do only the first of them:
1. header path: read, clean every element, write. What the peers do.
2. with the second look: the output is read again by other code, searched for every identifier of the input, its pixels compared.
3. whole: with the three digests of the audit record (input, output, pixels), written so that the disk has it, and read back.
Looking at the pixels is in none of them; bench_deid_pixels.py measures that.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import deid.engine
from benchmarks.deid_peers import Spent, peers
from deid import Keyring, load_policy
from deid.batch import work
from deid.batch.guard import DEFAULT_WORK_LIMITS
from deid.batch.intake import Source
from deid.batch.pool import Lost, Pool
from deid.batch.survey import Look, survey_one
from deid.pixels.examine import Examination
from getdata.demo.dicomize import encode

ROUNDS = 3
SETS = {
    "small, 0.1 MB": [(256, 224)] * 6,
    "native, 10 MB": [(2500, 2048)] * 4,
    "CR and DX, 6 to 30 MB": [(1760, 1760), (2022, 2022), (2500, 2048), (2880, 2880), (4256, 3480)],
}
LARGE = "native, 10 MB"
STAGES = ("header path", "with second look", "whole")
PEERS = ("dicom-anonymizer", "dicognito", "pydicom alone")
SECRET = b"benchmark" * 4


def main() -> None:
    """All tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        sets = {name: _files(Path(folder) / str(n), shapes) for n, (name, shapes) in enumerate(SETS.items())}
        _header_path(sets, rounds)
        _survey(sets)
        _workers(sets[LARGE], rounds)


def _files(folder: Path, shapes: list[tuple[int, int]]) -> Path:
    """A folder of CR and DX files, smooth shading with grain, headers filled."""
    folder.mkdir()
    for seed, (rows, columns) in enumerate(shapes):
        shade = np.hypot(*np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
        grain = np.random.default_rng(seed).normal(0, 12, (rows, columns))
        pixels = np.clip(3200 - 1800 * shade + grain, 0, 4095).astype(np.uint16)
        header = {"PatientName": f"BENCH^MARK{seed}", "PatientID": f"00{seed}4711", "StudyDescription": "CHEST PA",
                  "BodyPartExamined": "CHEST", "ReferringPhysicianName": "REFERRER^ANNA"}  # fmt: skip
        (folder / f"{seed}.dcm").write_bytes(encode(pixels, header, sop_class="DX" if seed % 2 else "CR"))
    return folder


class _Nothing:
    """In place of a digest that a stage leaves out."""

    def __init__(self, *_: object) -> None:
        pass

    def __enter__(self) -> _Nothing:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def result(self) -> str:
        return ""


def _unexamined(pixels: Any, *_: object) -> Examination:
    return Examination(pixels.values)


def _only_written(part: Path, data: bytes) -> bool:
    part.write_bytes(data)
    return True


@contextmanager
def _stage(name: str) -> Iterator[None]:
    """The engine with what the stage does not hold taken out."""
    with patch.object(deid.engine, "examine", _unexamined), patch.object(deid.engine, "_shipped_detector", _Named), \
         patch.object(deid.engine, "_shipped_reader", _Named):  # fmt: skip
        if name == "whole":
            yield
            return
        with patch.object(deid.engine, "Beside", _Nothing), patch.object(work, "_write", _only_written):
            if name == "with second look":
                yield
                return
            with patch.object(deid.engine, "verify_output", lambda *_: {}):
                yield


class _Named:
    """A detector's name where none is asked."""

    name = "none"


def _ours(folder: Path, stage: str) -> list[Spent]:
    """(processor seconds, seconds by the clock) of each file through the batch worker's own function."""
    spent = []
    with tempfile.TemporaryDirectory() as target, _stage(stage):
        jobs = [
            work.Job(i, Source(str(p)), frozenset(), f"{target}/{i}") for i, p in enumerate(sorted(folder.iterdir()))
        ]
        work.run_job(jobs[0])
        for job in jobs:
            processor, clock = time.process_time(), time.perf_counter()
            done = work.run_job(job)
            spent.append((time.process_time() - processor, time.perf_counter() - clock))
            assert not done.reason, done.reason
    return spent


def _header_path(sets: dict[str, Path], rounds: int) -> None:
    work.start_worker(load_policy("cxr-research"), Keyring(secret=SECRET, key_id="bench"))
    print(
        "One process, milliseconds a file on average over the set: processor, clock; files a second of processor time; and how"
    )
    print("many times the processor time of dicom-anonymizer that is")
    with peers() as others:
        if others.problem:
            print(f"  peers skipped: {others.problem}")
        for name, folder in sets.items():
            spent: dict[str, list[list[Spent]]] = {tool: [] for tool in (*STAGES, *PEERS)}
            for _ in range(rounds):
                for stage in STAGES:
                    spent[stage].append(_ours(folder, stage))
                for tool in PEERS if not others.problem else ():
                    try:
                        spent[tool].append(others.spent(tool, folder, 1))
                    except subprocess.SubprocessError as problem:
                        print(f"  {tool}: skipped, it failed ({type(problem).__name__})")
            _print_set(name, spent)


def _print_set(name: str, spent: dict[str, list[list[Spent]]]) -> None:
    means = {}
    for tool, runs in spent.items():
        if runs:
            # The median of the rounds file by file, so that one disturbed file does not speak for its set.
            each = [
                [statistics.median(run[file][kind] for run in runs) for file in range(len(runs[0]))] for kind in (0, 1)
            ]
            means[tool] = statistics.mean(each[0]), statistics.mean(each[1])
    yardstick = means.get("dicom-anonymizer", (0.0, 0.0))[0]
    for tool, (processor, clock) in means.items():
        label = f"this engine, {tool}" if tool in STAGES else tool
        times = f"x {processor / yardstick:5.2f}" if yardstick else ""
        print(
            f"  {name:22} {label:30} {processor * 1000:8.1f} ms {clock * 1000:8.1f} ms {1 / processor:7.1f}/s  {times}"
        )


def _survey(sets: dict[str, Path]) -> None:
    print("First look at every file before the run (headers only)")
    for name, folder in sets.items():
        spent = []
        for path in sorted(folder.iterdir()):
            started = time.process_time()
            survey_one(Look(0, Source(str(path))))
            spent.append(time.process_time() - started)
        print(f"  {name:22} {statistics.median(spent) * 1000:8.2f} ms")


_EXAMINE = deid.engine.examine


def _prepare(blind: bool) -> None:
    """A worker's beginning. Both ways: a forked worker inherits what its parent had put there."""
    deid.engine.examine = _unexamined if blind else _EXAMINE
    work.start_worker(load_policy("cxr-research"), Keyring(secret=SECRET, key_id="bench"))


def _cost(job: work.Job) -> tuple[float, int]:
    """(processor seconds, peak memory in bytes) of one file, in a worker."""
    import resource

    started = time.process_time()
    done = work.run_job(job)
    assert not done.reason, done.reason
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return time.process_time() - started, peak


def _workers(folder: Path, rounds: int) -> None:
    """One and two workers in turns, whole path: what a file costs, what the machine gave, and the memory that a worker takes."""
    paths = sorted(folder.iterdir())
    for blind in (True, False):
        rows: dict[int, list[tuple[float, float]]] = {1: [], 2: []}
        peaks = []
        for _ in range(rounds if blind else 1):
            for workers in (1, 2):
                with (
                    tempfile.TemporaryDirectory() as target,
                    Pool(workers, _prepare, (blind,), DEFAULT_WORK_LIMITS) as pool,
                ):
                    jobs = [
                        work.Job(i, Source(str(p)), frozenset(), f"{target}/{i}")
                        for i, p in enumerate(paths * (5 if blind else 2))
                    ]
                    for _ in pool.map(_cost, jobs[:workers], 300):
                        pass  # models are read once a process
                    started, used = time.perf_counter(), 0.0
                    for _, result in pool.map(_cost, jobs, 300):
                        assert not isinstance(result, Lost), result
                        used += result[0]
                        peaks.append(result[1])
                    rows[workers].append((used / len(jobs), (time.perf_counter() - started) / len(jobs)))
        print("Without a look at the pixels" if blind else "With the shipped detector and reader")
        middle = {n: [statistics.median(row[kind] for row in rows[n]) for kind in (0, 1)] for n in (1, 2)}
        for workers, (processor, clock) in middle.items():
            print(
                f"  {workers} worker{'s' if workers > 1 else ' '} {processor * 1000:8.1f} ms of processor a file, "
                f"{clock * 1000:8.1f} ms by the clock, {processor / clock:4.2f} cores used"
            )
        (one, slow), (two, fast) = middle[1], middle[2]
        print(
            f"  two workers: x {slow / fast:.2f} the files a second of one, x {two / one:.2f} the processor time a file; "
            f"peak memory of a worker {max(peaks) / 2**20:.0f} MiB, limit {DEFAULT_WORK_LIMITS.memory_bytes / 2**20:.0f}"
        )
    print(f"  {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: workers scale only where cores are free")


if __name__ == "__main__":
    main()
