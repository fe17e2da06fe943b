"""The engine's header path against dicognito and dicom-anonymizer on the same files in the same run; workers and memory.

    python -m benchmarks.bench_deid [ROUNDS]

Figures of different machines do not compare; the ratios do. Tools take turns, file set by file set, and processor time is
counted, so that what else the machine does falls on all alike. Ours does more in its time: it searches the output for every
identifier of the input, compares the pixels, makes the disk take the file and reads it back.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np

import deid.engine
from benchmarks.deid_peers import peers
from deid import Keyring, load_policy
from deid.batch import work
from deid.batch.guard import DEFAULT_WORK_LIMITS
from deid.batch.intake import Source
from deid.batch.pool import Lost, Pool
from deid.batch.survey import Look, survey_one
from deid.pixels.detector import Region
from getdata.demo.dicomize import encode

ROUNDS = 3
SETS = {"small, 0.1 MB": (256, 224, 6), "native, 10 MB": (2500, 2048, 4)}
SECRET = b"benchmark" * 4


class Blind:
    """A detector that sees nothing: what remains is header, text, verification and writing."""

    name = "blind"

    def find(self, image: object, near: object = None) -> list[Region]:
        return []

    def read(self, image: object, region: object) -> tuple[str, float]:
        return "", 0.0


def main() -> None:
    """All tables."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    with tempfile.TemporaryDirectory() as folder:
        sets = {name: _files(Path(folder) / name.split(",")[0], *shape) for name, shape in SETS.items()}
        _header_path(sets, rounds)
        _survey(sets)
        _workers(sets["native, 10 MB"], rounds)


def _files(folder: Path, rows: int, columns: int, count: int) -> Path:
    """A folder of CR and DX files, smooth shading with grain, headers filled."""
    folder.mkdir()
    shade = np.hypot(*np.mgrid[-1 : 1 : rows * 1j, -1 : 1 : columns * 1j])
    for seed in range(count):
        grain = np.random.default_rng(seed).normal(0, 12, (rows, columns))
        pixels = np.clip(3200 - 1800 * shade + grain, 0, 4095).astype(np.uint16)
        header = {"PatientName": f"BENCH^MARK{seed}", "PatientID": f"00{seed}4711", "StudyDescription": "CHEST PA",
                  "BodyPartExamined": "CHEST", "ReferringPhysicianName": "REFERRER^ANNA"}  # fmt: skip
        (folder / f"{seed}.dcm").write_bytes(encode(pixels, header, sop_class="DX" if seed % 2 else "CR"))
    return folder


def _ours(folder: Path, rounds: int) -> list[float]:
    """Processor seconds of each file through the batch worker's own function, read to verified on disk."""
    spent = []
    with tempfile.TemporaryDirectory() as target:
        jobs = [
            work.Job(i, Source(str(p)), frozenset(), f"{target}/{i}") for i, p in enumerate(sorted(folder.iterdir()))
        ]
        work.run_job(jobs[0])
        for _ in range(rounds):
            for job in jobs:
                started = time.process_time()
                done = work.run_job(job)
                spent.append(time.process_time() - started)
                assert not done.reason, done.reason
    return spent


def _header_path(sets: dict[str, Path], rounds: int) -> None:
    _prepare(True)
    print("Header path, one process: milliseconds of processor time a file (median), files a second, ratio to ours")
    with peers() as others:
        for name, folder in sets.items():
            spent: dict[str, list[float]] = {
                "this engine": [],
                "dicom-anonymizer": [],
                "dicognito": [],
                "pydicom alone": [],
            }
            for _ in range(rounds):
                spent["this engine"] += _ours(folder, 1)
                for tool in list(spent)[1:] if not others.problem else []:
                    try:
                        spent[tool] += others.seconds(tool, folder, 1)
                    except subprocess.SubprocessError as problem:
                        print(f"  {tool}: skipped, it failed ({type(problem).__name__})")
            ours = statistics.median(spent["this engine"])
            for tool, each in spent.items():
                if each:
                    middle = statistics.median(each)
                    print(
                        f"  {name:16} {tool:18} {middle * 1000:8.1f} ms {1 / middle:8.1f} files/s   x {middle / ours:5.2f}"
                    )
        if others.problem:
            print(f"  peers skipped: {others.problem}")


def _survey(sets: dict[str, Path]) -> None:
    print("First look at every file before the run (headers only)")
    for name, folder in sets.items():
        spent = []
        for path in sorted(folder.iterdir()):
            started = time.process_time()
            survey_one(Look(0, Source(str(path))))
            spent.append(time.process_time() - started)
        print(f"  {name:16} {statistics.median(spent) * 1000:8.2f} ms")


_SHIPPED = deid.engine._shipped_detector, deid.engine._shipped_reader


def _prepare(blind: bool) -> None:
    # Both ways: a forked worker inherits what its parent had put there.
    deid.engine._shipped_detector, deid.engine._shipped_reader = (Blind, Blind) if blind else _SHIPPED  # type: ignore[assignment]
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
    """Wall time with one and two workers, in turns, and the memory that a worker takes, with the shipped detector."""
    paths = sorted(folder.iterdir())
    ratios = []
    for blind in (True, False):
        peaks = []
        for _ in range(max(2, rounds) if blind else 1):
            walls = []
            for workers in (1, 2):
                with (
                    tempfile.TemporaryDirectory() as target,
                    Pool(workers, _prepare, (blind,), DEFAULT_WORK_LIMITS) as pool,
                ):
                    jobs = [work.Job(i, Source(str(p)), frozenset(), f"{target}/{i}") for i, p in enumerate(paths * 2)]
                    for _ in pool.map(_cost, jobs[:workers], 300):
                        pass  # models are read once a process
                    started = time.perf_counter()
                    for _, result in pool.map(_cost, jobs, 300):
                        assert not isinstance(result, Lost), result
                        peaks.append(result[1])
                    walls.append(time.perf_counter() - started)
            ratios.append((blind, walls[0] / walls[1]))
        some = [ratio for unseeing, ratio in ratios if unseeing == blind]
        kind = "header path" if blind else "shipped detector"
        runs = ", ".join(f"{ratio:.2f}" for ratio in some)
        print(f"{kind}: two workers x {statistics.median(some):.2f} of one (runs: {runs})")
        print(
            f"  peak memory of a worker {max(peaks) / 2**20:.0f} MiB, limit {DEFAULT_WORK_LIMITS.memory_bytes / 2**20:.0f}"
        )
    print(f"  {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}: workers scale only where cores are free")


if __name__ == "__main__":
    main()
