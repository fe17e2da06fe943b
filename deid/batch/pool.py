"""A small pool of worker processes for files that nobody vouches for.

One file may crash its worker, fill its memory or never end. Then that worker is replaced and its file is answered with
`Lost`; everything else goes on. A worker that died without a known cause may have been killed from outside or harmed by
an earlier file, so the file in hand is tried once more, first thing in a fresh worker.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import sys
import time
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, Generic, TypeVar

from deid.batch.guard import (
    WorkLimits,
    ended_by_processor_limit,
    limit_memory,
    limit_processor,
    settle_in,
)

J = TypeVar("J")
R = TypeVar("R")
_AHEAD_BYTES = 4096  # below any pipe's buffer, so that sending ahead never blocks
_AHEAD_JOBS = 8
_TRIES = 2
_STARTS = 3


class WorkerFailure(RuntimeError):
    """Workers cannot be started; the message names cause and remedy."""


@dataclass(frozen=True)
class Lost:
    """No result. `reason` is a key of REASONS: time-limit, memory-limit, worker-died or engine-error; `detail` a type name."""

    reason: str
    detail: str = ""


@dataclass
class _Ticket(Generic[J]):
    job: J
    message: bytes
    tries: int = 0


@dataclass
class _Worker:
    process: BaseProcess
    channel: Connection
    ready: bool = False
    answered: int = 0
    since: float = 0.0
    hand: deque[_Ticket[Any]] = field(default_factory=deque)


class Pool:
    """Worker processes, started when they are needed. `setup` runs once in each; it and the functions of `map` are
    module-level functions."""

    def __init__(
        self, workers: int, setup: Callable[..., None], arguments: tuple[Any, ...], limits: WorkLimits
    ) -> None:
        self._size = workers
        self._setup, self._arguments, self._limits = setup, arguments, limits
        # Forked workers start in milliseconds; a fresh interpreter needs seconds to import the codecs.
        self._context = multiprocessing.get_context("fork" if sys.platform == "linux" else "spawn")
        self._workers: list[_Worker] = []
        self._failed_starts = 0

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *problem: object) -> None:
        for worker in self._workers:
            worker.channel.close()
            if problem[0] is not None:
                worker.process.kill()
        for worker in self._workers:
            worker.process.join(2)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()
        self._workers.clear()

    def map(
        self, function: Callable[[J], R], jobs: Iterable[J], seconds: int, ahead: bool = False
    ) -> Iterator[tuple[J, R | Lost]]:
        """(job, result or Lost) for each job, in the order in which they are done.

        seconds: processor seconds for one job. ahead: send a few jobs before they are asked for; worth it where a job takes
        about a millisecond. Raises OSError when the function did, WorkerFailure when workers cannot be started.
        """
        source = iter(jobs)
        again: deque[_Ticket[J]] = deque()
        exhausted = False
        while True:
            for worker in self._wanted():
                while not exhausted or again:
                    ticket = again.popleft() if again else self._next(source, function, seconds)
                    if ticket is None:
                        exhausted = True
                        break
                    if not self._has_room(worker, ahead, ticket):
                        again.appendleft(ticket)
                        break
                    self._give(worker, ticket)
            busy = [worker for worker in self._workers if worker.hand]
            if not busy:
                if exhausted and not again:
                    return
                continue
            for worker in self._heard(busy, seconds):
                yield from self._answers(worker, again, seconds)

    def _next(self, source: Iterator[J], function: Callable[[J], R], seconds: int) -> _Ticket[J] | None:
        for job in source:
            return _Ticket(job, pickle.dumps((function, seconds, job)))
        return None

    def _wanted(self) -> list[_Worker]:
        while len(self._workers) < self._size:
            self._workers.append(self._start())
        return self._workers

    def _start(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        inherited = (
            [worker.channel for worker in self._workers] + [ours] if self._context.get_start_method() == "fork" else []
        )
        process = self._context.Process(  # type: ignore[attr-defined]
            target=_serve,
            args=(theirs, inherited, self._setup, self._arguments, self._limits, os.getpid()),
            daemon=True,
        )
        if "cv2" in sys.modules:
            # OpenCV's threads do not survive a fork, and the worker would wait for them for ever: there must be none.
            sys.modules["cv2"].setNumThreads(1)
        with warnings.catch_warnings():
            # Newer Pythons warn of forking beside threads. The progress display's thread is the only one, and a worker
            # never touches the display.
            warnings.simplefilter("ignore", DeprecationWarning)
            process.start()
        theirs.close()
        return _Worker(process, ours)

    def _has_room(self, worker: _Worker, ahead: bool, ticket: _Ticket[J]) -> bool:
        if not worker.hand:
            return True
        if not ahead or worker.hand[0].tries or len(worker.hand) >= _AHEAD_JOBS:
            return False
        return sum(len(each.message) for each in (*worker.hand, ticket)) < _AHEAD_BYTES

    def _give(self, worker: _Worker, ticket: _Ticket[J]) -> None:
        if not worker.hand:
            worker.since = time.monotonic()
        worker.hand.append(ticket)
        try:
            worker.channel.send_bytes(ticket.message)
        except OSError:
            pass  # it has died; its end is noticed where answers are awaited

    def _heard(self, busy: list[_Worker], seconds: int) -> list[_Worker]:
        """Busy workers that have something to say, have died, or have slept past the deadline."""
        allowed = seconds * self._limits.patience
        now = time.monotonic()
        left = min(worker.since + allowed - now for worker in busy)
        said = set(wait([worker.channel for worker in busy], max(0.0, left)))
        now = time.monotonic()
        return [worker for worker in busy if worker.channel in said or now - worker.since >= allowed]

    def _answers(self, worker: _Worker, again: deque[_Ticket[J]], seconds: int) -> Iterator[tuple[J, Any]]:
        late = time.monotonic() - worker.since >= seconds * self._limits.patience
        try:
            if not worker.channel.poll():
                if late:
                    worker.process.kill()
                    yield from self._bury(worker, again, "time-limit")
                return
            kind, value, leaving = pickle.loads(worker.channel.recv_bytes())  # noqa: S301 -- from our own child
        except (EOFError, OSError):
            worker.process.join()
            reason = "time-limit" if ended_by_processor_limit(worker.process.exitcode) else "worker-died"
            yield from self._bury(worker, again, reason)
            return
        worker.since = time.monotonic()
        if kind == "ready":
            worker.ready, self._failed_starts = True, 0
            return
        fresh, ticket = worker.answered == 0, worker.hand.popleft()
        worker.answered += 1
        if leaving:
            # What earlier files left in its memory must not decide over this one.
            if not fresh and ticket.tries + 1 < _TRIES:
                ticket.tries += 1
                worker.hand.appendleft(ticket)
                self._replace(worker, again)
                return
            self._replace(worker, again)
        if kind == "failed":
            raise OSError(*value)
        yield ticket.job, value

    def _bury(self, worker: _Worker, again: deque[_Ticket[J]], reason: str) -> Iterator[tuple[J, Lost]]:
        """Replace a dead worker; answer for the file that it was at, or give that file one more chance."""
        if not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _STARTS:
                raise WorkerFailure(
                    "worker processes end as soon as they start. Check free memory and the installation, or use fewer --workers."
                )
            self._replace(worker, again)
            return
        ticket = worker.hand.popleft()
        ticket.tries += 1
        if reason == "worker-died" and ticket.tries < _TRIES:
            worker.hand.appendleft(ticket)
            self._replace(worker, again)
            return
        self._replace(worker, again)
        yield ticket.job, Lost(reason)

    def _replace(self, worker: _Worker, again: deque[_Ticket[J]]) -> None:
        """A fresh worker in place of another; the suspect it was at goes first and alone, the others back to the queue."""
        worker.channel.close()
        worker.process.join(2)
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join()
        at = self._workers.index(worker)
        fresh = self._start()
        self._workers[at] = fresh
        for ticket in reversed(worker.hand):
            if ticket.tries:
                self._give(fresh, ticket)
            else:
                again.appendleft(ticket)


def _serve(
    channel: Connection,
    inherited: list[Connection],
    setup: Callable[..., None],
    arguments: tuple[Any, ...],
    limits: WorkLimits,
    parent: int,
) -> None:
    """The life of a worker: one job after the other until the pipe closes."""
    for other in inherited:
        other.close()  # otherwise no worker would ever see its own pipe close
    settle_in(parent)
    setup(*arguments)
    limit_memory(limits.memory_bytes)
    _say(channel, "ready", None, False)
    while True:
        try:
            function, seconds, job = pickle.loads(channel.recv_bytes())  # noqa: S301 -- from our own parent
        except (EOFError, OSError):
            return
        limit_processor(seconds)
        try:
            kind, value, leaving = "done", function(job), False
        except MemoryError:
            kind, value, leaving = "done", Lost("memory-limit"), True
        except OSError as problem:
            # Without the file's name, which may be a patient's.
            kind, value, leaving = "failed", (problem.errno, problem.strerror or type(problem).__name__), False
        except (
            Exception
        ) as problem:  # a bug here must withhold its file and not end the run; the text could hold a value
            kind, value, leaving = "done", Lost("engine-error", type(problem).__name__), True
        job = None
        if not _say(channel, kind, value, leaving) or leaving:
            return


def _say(channel: Connection, kind: str, value: Any, leaving: bool) -> bool:
    try:
        channel.send_bytes(pickle.dumps((kind, value, leaving)))
    except OSError:
        return False
    return True
