"""The worker pool: a file may crash, hang or fill memory; it costs itself only."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from deid.batch.guard import WorkLimits
from deid.batch.pool import Lost, Pool, WorkerFailure
from deid.reasons import REASONS


def resident() -> int:
    """Memory of this process in bytes, where the system tells it; a worker of the command begins with about 100 MiB."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 0
    return max(0, pages * os.sysconf("SC_PAGE_SIZE") - (100 << 20))


SMALL = WorkLimits(memory_bytes=400 << 20, patience=3)


def nothing() -> None:
    """A worker that needs no preparation."""


def die_at_once() -> None:
    os._exit(3)


def work(job: tuple[str, object]) -> object:
    """One strange thing or another, as a codec would do it."""
    kind, value = job
    if kind == "double":
        return value * 2  # type: ignore[operator]
    if kind == "crash":
        ctypes.string_at(0)
    if kind == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if kind == "kill once":
        mark = Path(str(value))
        if not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"
    if kind == "spin":
        while True:
            pass
    if kind == "sleep":
        time.sleep(3600)
    if kind == "fill":
        return len(bytes(value))  # type: ignore[call-overload]
    if kind == "leak":
        leaked.append(bytearray(int(str(value))))
        return "leaked"
    if kind == "core":
        import resource

        return resource.getrlimit(resource.RLIMIT_CORE)
    if kind == "disk":
        raise OSError(28, "No space left on device", "/patients/Featherstone.dcm")
    if kind == "bug":
        raise KeyError("Featherstone")
    return os.getpid()


leaked: list[bytearray] = []


def run(
    jobs: list[tuple[str, object]], workers: int = 2, seconds: int = 2, limits: WorkLimits = SMALL
) -> dict[int, object]:
    numbered = {id(job): index for index, job in enumerate(jobs)}
    # A forked worker begins with what this test process holds; the limit is for what comes on top.
    limits = replace(limits, memory_bytes=limits.memory_bytes + resident())
    with Pool(workers, nothing, (), limits) as pool:
        return {numbered[id(job)]: result for job, result in pool.map(work, jobs, seconds, ahead=True)}


def test_every_job_is_answered_once_and_by_all_workers() -> None:
    jobs: list[tuple[str, object]] = [("double", n) for n in range(500)]
    assert run(jobs, workers=3) == {n: 2 * n for n in range(500)}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [("crash", "worker-died"), ("kill", "worker-died"), ("spin", "time-limit"), ("bug", "engine-error")],
)
def test_a_job_that_ends_its_worker_is_lost_alone(kind: str, reason: str, workers: int) -> None:
    jobs: list[tuple[str, object]] = [("double", n) for n in range(40)]
    jobs.insert(7, (kind, None))
    results = run(jobs, workers=workers)
    lost = results.pop(7)
    assert isinstance(lost, Lost) and lost.reason == reason and reason in REASONS
    assert "Featherstone" not in repr(lost)
    assert sorted(int(str(result)) for result in results.values()) == [2 * n for n in range(40)]


def test_a_job_that_sleeps_is_ended_by_the_clock() -> None:
    started = time.monotonic()
    results = run([("sleep", None), ("double", 4), ("double", 5)], workers=1, seconds=1)
    assert results == {0: Lost("time-limit"), 1: 8, 2: 10}
    assert time.monotonic() - started < 30


def test_a_worker_killed_from_outside_costs_nothing(tmp_path: Path) -> None:
    jobs: list[tuple[str, object]] = [("double", n) for n in range(20)]
    jobs.insert(3, ("kill once", str(tmp_path / "mark")))
    results = run(jobs)
    assert results.pop(3) == "survived" and not any(isinstance(result, Lost) for result in results.values())


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory this way")
def test_memory_is_bounded_and_the_worker_replaced() -> None:
    results = run([("double", 1), ("fill", 2 << 30), ("double", 2), ("fill", 1 << 20)])
    assert results == {0: 2, 1: Lost("memory-limit"), 2: 4, 3: 1 << 20}


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds a process's memory this way")
def test_memory_that_earlier_files_took_is_not_held_against_a_later_one() -> None:
    results = run([("leak", 250 << 20), ("fill", 250 << 20), ("double", 2)], workers=1)
    assert results == {0: "leaked", 1: 250 << 20, 2: 4}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no core files")
def test_a_worker_leaves_no_core_file_because_it_would_hold_the_original() -> None:
    assert run([("core", None)]) == {0: (0, 0)}


def test_a_disk_that_refuses_ends_the_run_without_naming_the_file() -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        run([("double", 1), ("disk", None), ("double", 2)])
    assert caught.value.errno == 28 and "Featherstone" not in str(caught.value)


def test_workers_that_cannot_start_are_told_with_a_remedy() -> None:
    with Pool(2, die_at_once, (), SMALL) as pool, pytest.raises(WorkerFailure, match="free memory"):
        list(pool.map(work, [("double", 1)], 2))


def test_no_worker_outlives_the_pool() -> None:
    with Pool(2, nothing, (), SMALL) as pool:
        workers = {pid for _, pid in pool.map(work, [("pid", n) for n in range(30)], 2)}
        assert workers and os.getpid() not in workers
    for worker in workers:
        with pytest.raises(ProcessLookupError):
            os.kill(int(str(worker)), 0)
