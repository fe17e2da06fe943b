"""``python -m tests.halves [ARGUMENT...]``: the suite in two processes side by side, what is pure and what is not.

The pure half computes on one core and touches nothing the other half uses; with two cores it costs no time of its own.
What it says is kept and printed whole when both have ended, so that no line of one stands inside the other's. The exit
status is pytest's: that of the half that failed, 0 when none did, 5 when no test was selected in either.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence

NO_TESTS = 5


def main(arguments: Sequence[str]) -> int:
    """Run both halves with the arguments; returns the exit status."""
    if any(argument.startswith("-m") for argument in arguments):  # a choice of markers is the caller's: one process
        return subprocess.run(_command(None, arguments), check=False).returncode
    running: list[subprocess.Popen[bytes]] = []
    # Ctrl-C reaches the halves from the terminal, and this process waits for them to tidy up; SIGTERM is passed on.
    # Handlers of Python's, which the halves do not inherit; SIG_IGN they would.
    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, lambda number, frame: [half.terminate() for half in running] and None)
    with tempfile.TemporaryFile() as said:
        running.append(subprocess.Popen(_command("pure", arguments), stdout=said, stderr=subprocess.STDOUT))
        running.append(subprocess.Popen(_command("not pure", arguments)))
        statuses = [half.wait() for half in reversed(running)]
        said.seek(0)
        print("\nThe tests that touch no backend:", flush=True)
        sys.stdout.buffer.write(said.read())
        sys.stdout.buffer.flush()
    return combined(statuses)


def combined(statuses: Sequence[int]) -> int:
    """One exit status of several: a failure wins, "no test selected" counts only when all say so."""
    failed = [status for status in statuses if status not in (0, NO_TESTS)]
    if failed:
        return abs(failed[0])
    return 0 if 0 in statuses else NO_TESTS


def _command(half: str | None, arguments: Sequence[str]) -> list[str]:
    return [sys.executable, "-m", "pytest", *(["-m", half] if half else []), *arguments]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
