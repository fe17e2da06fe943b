"""``python -m tests.lanes NAME... [-- ARGUMENT...]``: parts of the suite, in two processes side by side.

The parts: ``rest``, what needs a backend, on the embedded default; ``portal``, of that what drives a browser or the whole portal;
``servers``, what depends on its backend once more, on PostgreSQL, Redis and S3; ``engine`` and ``pure``, what touches none. Two long
ones go in a lane each; a lane that has ended its own takes what is left of the others, so that both cores are busy to the end.
What the second lane says is kept and printed whole when both have ended, so that no line of one stands inside the other's. The exit
status is pytest's: that of a part that failed, 0 when none did, 5 when no test was selected in any.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import IO

NO_TESTS = 5


@dataclass(frozen=True)
class Part:
    """A part of the suite: the marker expression that selects it, and what it runs on."""

    heading: str
    markers: str
    backend: str = "embedded"

    def command(self, arguments: Sequence[str]) -> list[str]:
        pytest = [sys.executable, "-m", "pytest", "-m", self.markers, *arguments]
        return pytest if self.backend == "embedded" else [sys.executable, "-m", "tests.services", "--", *pytest]

    def environment(self) -> dict[str, str]:
        return os.environ | {"GETDATA_TEST_BACKEND": self.backend}


PARTS = {
    "rest": Part("The tests that need a backend, on the embedded default:", "not pure and not e2e and not browser"),
    "portal": Part("The tests that drive a browser or the whole portal:", "not pure and (e2e or browser)"),
    "engine": Part("The tests of the engine:", "pure and engine"),
    "pure": Part("The other tests that touch no backend:", "pure and not engine"),
    "servers": Part("The tests that need a backend, on PostgreSQL, Redis and S3:", "not pure and not once", "servers"),
}
LONG = ("rest", "servers")


class Lane(threading.Thread):
    """Its own part, then what is left of the shared ones; a failed part does not keep the next from running."""

    def __init__(
        self, own: Sequence[Part], shared: deque[Part], arguments: Sequence[str], said: IO[bytes] | None
    ) -> None:
        super().__init__(daemon=True)
        self.own, self.shared, self.arguments, self.said = deque(own), shared, arguments, said
        self.statuses: list[int] = []
        self._lock = threading.Lock()
        self._running: subprocess.Popen[bytes] | None = None
        self._ended = False

    def run(self) -> None:
        while True:
            with self._lock:
                if self._ended:
                    return
                try:
                    part = (self.own or self.shared).popleft()
                except IndexError:
                    return
                self._announce(part)
                self._running = subprocess.Popen(
                    part.command(self.arguments),
                    env=part.environment(),
                    stdout=self.said,
                    stderr=subprocess.STDOUT if self.said else None,
                )
            self.statuses.append(self._running.wait())

    def end(self, *, terminate: bool) -> None:
        """Start nothing more; with ``terminate``, end what runs."""
        with self._lock:
            self._ended = True
            if terminate and self._running is not None:
                self._running.terminate()

    def _announce(self, part: Part) -> None:
        if self.said is None:
            print(part.heading, flush=True)
        else:
            self.said.write(f"\n{part.heading}\n".encode())
            self.said.flush()


def main(arguments: Sequence[str]) -> int:
    """Run the named parts with the arguments after ``--``; returns the exit status."""
    names, rest = _split(arguments)
    if not names or set(names) - PARTS.keys():
        print(f"usage: python -m tests.lanes {{{'|'.join(PARTS)}}}... [-- ARGUMENT...]", file=sys.stderr)
        return 2
    if any(argument.startswith("-m") for argument in rest):  # a choice of markers is the caller's: one process
        return subprocess.run([sys.executable, "-m", "pytest", *rest], check=False).returncode
    with tempfile.TemporaryFile() as said:
        long = [PARTS[name] for name in LONG if name in names]
        shared = deque(PARTS[name] for name in names if name not in LONG)
        lanes = [Lane(long[:1], shared, rest, None), Lane(long[1:], shared, rest, said)]
        # Ctrl-C reaches the parts from the terminal, and this process waits for them to tidy up; SIGTERM is passed on.
        # Handlers of Python's, which the parts do not inherit; SIG_IGN they would.
        # They only take a note: a handler that waited for a lane's lock could wait for itself.
        signals: list[int] = []
        signal.signal(signal.SIGINT, lambda number, frame: signals.append(number))
        signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
        for lane in lanes:
            lane.start()
        while any(lane.is_alive() for lane in lanes):
            for lane in lanes:
                lane.join(0.1)
            for lane in lanes if signals else ():
                lane.end(terminate=signal.SIGTERM in signals)
        said.seek(0)
        sys.stdout.buffer.write(said.read())
        sys.stdout.buffer.flush()
    return combined([status for lane in lanes for status in lane.statuses])


def combined(statuses: Sequence[int]) -> int:
    """One exit status of several: a failure wins, "no test selected" counts only when all say so."""
    failed = [status for status in statuses if status not in (0, NO_TESTS)]
    if failed:
        return abs(failed[0])
    return 0 if 0 in statuses else NO_TESTS


def _split(arguments: Sequence[str]) -> tuple[list[str], list[str]]:
    at = list(arguments).index("--") if "--" in arguments else len(arguments)
    return list(arguments[:at]), list(arguments[at + 1 :])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
