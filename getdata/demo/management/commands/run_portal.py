"""``manage.py run_portal``: the whole portal on one machine: migrations, demo data, web, worker, sweeper. Ctrl-C ends all."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from getdata.demo import cast

GRACE_SECONDS = 8
#: A fresh machine compiles what it imports; a busy one takes its time.
START_SECONDS = 120


class Command(BaseCommand):
    help = "Serve the portal with a worker on this machine (PORT, GETDATA_VAR and GETDATA_DEMO=0 are honoured)."
    requires_system_checks: list[str] = []  # `make lint` runs them; here they would double the wait for the first page

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.PRODUCTION:
            raise CommandError(
                "run_portal is for one machine. In production use docker-compose.yml; see docs/deployment.md."
            )
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGINT too: a shell's background job ignores it
            signal.signal(number, _as_interrupt)
        port = _port()
        host = os.environ.get("HOST", "127.0.0.1")
        _refuse_busy(host, port)
        settings.VAR.mkdir(parents=True, exist_ok=True)
        if _has_pending_migrations():
            self.stdout.write("Preparing the database …")
            call_command("migrate", verbosity=0)
        demo = os.environ.get("GETDATA_DEMO", "1") != "0"
        if demo:  # people of the demonstration have no phone: a printed code stands for it (refused in production)
            os.environ.setdefault("GETDATA_DEMO_CODE", cast.code())
        children: dict[str, subprocess.Popen[bytes]] = {}
        try:
            children["web"] = _start(
                "granian", "--interface", "wsgi", "--host", host, "--port", str(port), "--workers", "1",
                "--blocking-threads", "16", "--backpressure", "64", "--log-level", "error",
                "getdata.wsgi:application",
            )  # fmt: skip
            _wait_until_answering(host, port, children["web"])  # alone: on few cores a worker would slow the first page
            children["worker"] = _start(
                "celery", "-q", "-A", "getdata", "worker", "--beat", "--schedule", str(settings.VAR / "celerybeat-schedule"),
                "--pidfile=", "--concurrency", str(min(4, os.cpu_count() or 1)), "--loglevel", "WARNING",
                "--without-gossip", "--without-mingle", "--without-heartbeat",
            )  # fmt: skip
            self.stdout.write(self.style.SUCCESS(f"\nGetDATA is at http://{host}:{port}/   (Ctrl-C ends it)\n"))
            self.stdout.flush()
            if demo:
                children["demo"] = _start(str(settings.BASE_DIR / "manage.py"), "seed_demo", module=False)
            self._watch(children)
        except KeyboardInterrupt:
            self.stdout.write("\nStopping …")
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            _stop(children)

    def _watch(self, children: dict[str, subprocess.Popen[bytes]]) -> None:
        """Until a signal comes: the portal ends when the web server does; a worker that dies is started again."""
        while True:
            time.sleep(0.5)
            if children["web"].poll() is not None:
                raise CommandError("The web server stopped. Its last lines above say why.")
            if children["worker"].poll() is not None:
                self.stderr.write(
                    "The worker stopped; starting it again. What it held is handed out again by its lease."
                )
                time.sleep(2)
                children["worker"] = _start(*children["worker"].args[2:])  # type: ignore[index]


def _as_interrupt(number: int, frame: Any) -> None:
    raise KeyboardInterrupt


def _port() -> int:
    text = os.environ.get("PORT", "8000")
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise CommandError("PORT must be a number between 1 and 65535, e.g. PORT=8001 make run")
    return int(text)


def _has_pending_migrations() -> bool:
    """Whether the database is new or behind; asking costs a tenth of what an idle ``migrate`` does."""
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def _refuse_busy(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise CommandError(
                f"Port {port} is in use. Stop what uses it, or choose another: PORT=8001 make run"
            ) from error


def _start(*command: str, module: bool = True) -> subprocess.Popen[bytes]:
    """A child in a process group of its own, so that stopping it stops its children too."""
    arguments = [sys.executable, *(["-m"] if module and command[0] != "-m" else []), *command]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1", "GETDATA_VAR": str(settings.VAR)}
    # On one machine, for looking, root is as good as anyone: Celery's warning about it would puzzle a newcomer.
    environment.setdefault("PYTHONWARNINGS", "ignore:You're running the worker with superuser privileges")
    return subprocess.Popen(arguments, cwd=Path(settings.BASE_DIR), env=environment, start_new_session=True)  # noqa: S603 (our own programs)


def _wait_until_answering(host: str, port: int, web: subprocess.Popen[bytes]) -> None:
    """Until the front page is there: an open port alone would promise a page that is still seconds away."""
    deadline = time.monotonic() + START_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        if web.poll() is not None:
            raise CommandError("The web server did not start. Its last lines above say why.")
        page = http.client.HTTPConnection("127.0.0.1" if host == "0.0.0.0" else host, port, timeout=left)  # noqa: S104 (compared, not bound)
        try:
            page.request("GET", "/")
            page.getresponse().read()
            return
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
        finally:
            page.close()
    raise CommandError(f"The web server did not answer within {START_SECONDS} seconds.")


def _stop(children: dict[str, subprocess.Popen[bytes]]) -> None:
    for child in children.values():
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    for child in children.values():
        try:
            child.wait(timeout=max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            pass
    for child in children.values():
        try:
            os.killpg(child.pid, signal.SIGKILL)  # the leader, if it still runs, and whatever it left behind
        except ProcessLookupError:
            pass
        child.wait()
