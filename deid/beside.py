"""Work beside the main line: digests of large images, whose library lets go of the interpreter while it counts."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
WORTH_A_THREAD = 1 << 20
"""Bytes from which on starting a thread costs less than it saves."""


class Beside(Generic[T]):
    """A call that runs in a thread of its own, or when its result is asked for where a thread is not worth it or cannot be
    had. The result is the same either way. Leaving the `with` block waits for the thread."""

    def __init__(self, call: Callable[[], T], size: int) -> None:
        self._call = call
        self._results: list[T] = []
        self._problem: BaseException | None = None
        self._thread: threading.Thread | None = None
        if size >= WORTH_A_THREAD:
            thread = threading.Thread(target=self._run, daemon=True)
            try:
                thread.start()
            except (RuntimeError, MemoryError):
                return  # memory is short
            self._thread = thread

    def __enter__(self) -> Beside[T]:
        return self

    def __exit__(self, *problem: object) -> None:
        if self._thread is not None:
            self._thread.join()

    def _run(self) -> None:
        try:
            self._results.append(self._call())
        except BaseException as problem:  # it belongs to whoever asks for the result
            self._problem = problem

    def result(self) -> T:
        """What the call gave. Raises what the call raised."""
        if self._thread is not None:
            self._thread.join()
        elif not self._results and self._problem is None:
            self._run()
        if self._problem is not None:
            raise self._problem
        return self._results[0]
