"""Tasks shared out to processes, in order, with one rule: a decoder that crashes takes down its own file and nothing else."""

from __future__ import annotations

import multiprocessing
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")


def one_thread() -> None:
    """Each process keeps to one thread: they are as many as there are processors already."""
    import cv2

    cv2.setNumThreads(1)


def shared_out(
    work: Callable[[Task], Result], tasks: Iterable[Task], *, jobs: int
) -> Iterator[tuple[Task, Result | None]]:
    """Each task with its result, in the order of the tasks; None where the process died of it.

    ``work`` is a function of a module and raises nothing. A few tasks a process are under way at a time, so the tasks
    may be many.
    """
    rest = iter(tasks)
    again: deque[Task] = deque()  # were under way when a process died: one by one, to find the one it died of
    while True:
        with _pool(1 if again else jobs) as pool:
            try:
                while again:
                    result = pool.submit(work, again[0]).result()
                    yield again.popleft(), result
            except BrokenProcessPool:
                yield again.popleft(), None
                continue
            if not (yield from _flow(pool, work, rest, jobs, again)):
                return


def _flow(
    pool: ProcessPoolExecutor, work: Callable[[Task], Result], rest: Iterator[Task], jobs: int, again: deque[Task]
) -> Generator[tuple[Task, Result | None], None, bool]:
    """Runs until there are no tasks (False) or a process died (True, with what was under way in ``again``)."""
    flight: deque[tuple[Task, Future[Result]]] = deque()
    while True:
        while len(flight) < 4 * jobs:
            try:
                task = next(rest)
            except StopIteration:
                break
            try:
                flight.append((task, pool.submit(work, task)))
            except BrokenProcessPool:
                again.extend([each for each, _ in flight] + [task])
                return True
        if not flight:
            return False
        task, future = flight[0]
        try:
            result = future.result()
        except BrokenProcessPool:
            again.extend(each for each, _ in flight)
            return True
        flight.popleft()
        yield task, result


def _pool(jobs: int) -> ProcessPoolExecutor:
    # A fresh interpreter: libraries with threads of their own do not survive a fork.
    context: Any = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(jobs, mp_context=context, initializer=one_thread)
