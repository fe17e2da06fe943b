"""Limits that the operating system holds over a worker process: memory, processor time, silence, and an end with
its parent.

A hostile file is decoded by libraries in C. What they allocate and how long they compute cannot be bounded from
inside, so the process that runs them is bounded from outside.
"""

from __future__ import annotations

import ctypes
import faulthandler
import os
import signal
import sys
from dataclasses import dataclass

try:
    import resource
except ImportError:  # Windows: deadlines of the parent remain
    resource = None  # type: ignore[assignment]

GIBIBYTE = 1 << 30
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class WorkLimits:
    """What one file may cost. `header_seconds`: processor seconds of the first reading, which sees headers only;
    `file_seconds`: processor seconds of cleaning it, pixels included; `memory_bytes`: resident memory of a worker.

    Processor seconds, because wall time would make the outcome depend on what else the machine does. A worker that sleeps
    is ended after `patience` times as many seconds by the clock.
    """

    header_seconds: int = 5
    file_seconds: int = 60
    memory_bytes: int = GIBIBYTE
    patience: int = 4


DEFAULT_WORK_LIMITS = WorkLimits()


def settle_in(parent: int) -> None:
    """Make this process a worker: it says nothing, leaves no core file (it would hold the original in the clear),
    leaves Ctrl-C to its parent, and does not outlive it."""
    faulthandler.disable()
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        try:
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        except (OSError, AttributeError):
            pass  # another C library; the closed pipe ends the worker after its file
    if hasattr(os, "getppid") and os.getppid() != parent:
        os._exit(0)


def limit_memory(total: int) -> None:
    """Bound this process's memory to about `total` bytes, as far as the system can: Linux counts private writable
    memory (RLIMIT_DATA), which follows what is resident more closely than address space does.

    Beyond it allocations fail: Python raises MemoryError, a library in C fails or ends the process.
    """
    if resource is None or sys.platform != "linux":
        return
    size = _status("VmData")
    limit = size + max(total - _status("VmRSS"), total // 4)
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (_within(limit, hard), hard))


def limit_processor(seconds: float) -> None:
    """Let this process compute for so many more seconds; then the system ends it with SIGXCPU. Rounded up to a second."""
    if resource is None:
        return
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    limit = int(used.ru_utime + used.ru_stime + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (_within(limit, hard), hard))


def ended_by_processor_limit(exit_code: int | None) -> bool:
    """Whether a worker's exit code says that it had used up its seconds."""
    return hasattr(signal, "SIGXCPU") and exit_code == -signal.SIGXCPU


def _within(limit: int, hard: int) -> int:
    return limit if hard < 0 else min(limit, hard)


def _status(field: str) -> int:
    """A size of this process in bytes, by its name in /proc/self/status."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as stream:
        for line in stream:
            if line.startswith(field + ":"):
                return int(line.split()[1]) * 1024
    return 0
