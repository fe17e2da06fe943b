"""``python -m tests.services -- COMMAND...``: run COMMAND with PostgreSQL, Redis and an S3 store, then stop them.

The exit status is COMMAND's. What this program says goes to standard error and before COMMAND starts, so that COMMAND
has the last word. If a service is missing, COMMAND runs all the same and says so itself; with ``GETDATA_REQUIRE_ALL=1``
the exit status is then a failure.
"""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from types import FrameType

from tests.services import FAILURE_VARIABLE, SERVICES, missing_services
from tests.services.process import ServiceError, workspace

USAGE = "usage: python -m tests.services -- COMMAND [ARGUMENT...]"


def main(arguments: Sequence[str]) -> int:
    """Start the services, run the command, stop the services; returns the exit status."""
    command = list(arguments[1:] if arguments[:1] == ["--"] else arguments)
    if not command:
        print(USAGE, file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop)
    environ = dict(os.environ)
    if reasons := missing_services(environ):
        for reason in reasons:
            print(f"services: {reason}", file=sys.stderr)
        return _failed_if_required(environ, run(command, environ))
    with ExitStack() as stack:
        begin = time.monotonic()
        try:
            space = stack.enter_context(workspace())
            for service in SERVICES:
                if not service.provided(environ):
                    environ |= stack.enter_context(service.started(space, environ))
            environ.setdefault("CELERY_BROKER_URL", environ["REDIS_URL"])
            environ["GETDATA_STORAGE"] = "s3"
        except ServiceError as error:
            stack.close()
            print(f"services: {error}", file=sys.stderr)
            lines = [line.strip() for line in str(error).splitlines()]  # our own words, and the end of the server's log
            reason = " ".join(["A service is installed but did not start:", lines[0], *lines[1:][-1:]])
            run(command, environ | {FAILURE_VARIABLE: reason})
            return 1  # an outage of our own making is never a skip
        where = ", ".join(service.summary(environ) for service in SERVICES)
        print(f"services: {where}; ready in {time.monotonic() - begin:.1f} s", file=sys.stderr, flush=True)
        return run(command, environ)


def run(command: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run the command to its end and return its exit status as a shell would.

    Ctrl-C reaches the command from the terminal, so this process only waits for it to tidy up; SIGTERM is passed on.
    """
    stopping = False
    child: subprocess.Popen[bytes] | None = None

    def pass_on(signum: int, frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if child is not None:
            child.terminate()

    # Python-level handlers, which the command does not inherit; SIG_IGN it would.
    signal.signal(signal.SIGINT, lambda signum, frame: None)
    signal.signal(signal.SIGTERM, pass_on)
    try:
        child = subprocess.Popen(command, env=dict(environ))
    except OSError as error:
        print(f"services: cannot start {command[0]}: {error.strerror}", file=sys.stderr)
        return 127
    if stopping:
        child.terminate()
    status = child.wait()
    return 128 - status if status < 0 else status


def _failed_if_required(environ: Mapping[str, str], status: int) -> int:
    return status or int(environ.get("GETDATA_REQUIRE_ALL") == "1")


def _stop(signum: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + signum)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
