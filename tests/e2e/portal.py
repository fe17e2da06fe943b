"""A whole portal of its own for a test: web server and worker as processes, on the backend the suite runs on."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import httpx

#: Stands for everybody's second step in the portals of tests, as the one that `make run` prints does.
DEMO_CODE = "314159"
ROOT = Path(__file__).resolve().parents[2]
#: What another run's configuration must not carry into this portal.
_INHERITED = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "GETDATA_STORAGE", "CELERY_TASK_ALWAYS_EAGER")


@dataclass
class Portal:
    """A running portal: ``url``, its data folder ``var``, the environment its processes run in."""

    url: str
    var: Path
    env: dict[str, str]
    web: subprocess.Popen[bytes] | None = None
    worker: subprocess.Popen[bytes] | None = None
    log: Path = field(default_factory=Path)
    application: str = "getdata.wsgi:application"

    def start_worker(self, *more: str, **environment: str) -> None:
        """Start the worker with its sweeper; ``more`` arguments and variables are a fault's."""
        self.worker = self.spawn(
            [
                "-m", "celery", "-A", "getdata", "worker", "--beat", "--schedule", str(self.var / "beat"), "--pidfile=",
                "--concurrency", "2", "--loglevel", "WARNING", "--without-gossip", "--without-mingle", *more,
            ],
            **environment,
        )  # fmt: skip

    def start_web(self) -> None:
        """Start the web server; returns when it answers."""
        self.web = self.spawn(
            [
                "-m", "granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", self.env["PORT"],
                "--workers", "1", "--blocking-threads", "8", "--log-level", "warning", self.application,
            ],
        )  # fmt: skip
        _wait(self)

    def spawn(self, arguments: list[str], **environment: str) -> subprocess.Popen[bytes]:
        """A Python process of this portal, in a session of its own, writing to the portal's log."""
        return _spawn(arguments, self.env | environment, self.log)

    def kill_worker(self) -> None:
        """SIGKILL the worker and its children, as an out-of-memory killer would."""
        assert self.worker is not None
        os.killpg(self.worker.pid, signal.SIGKILL)
        self.worker.wait()
        self.worker = None

    def manage(self, *arguments: str) -> str:
        """Run ``python ARGUMENTS`` in the portal's environment and return what it printed."""
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.env, capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return done.stdout

    def people(self) -> dict[str, Any]:
        """The cast of the end-to-end tests, made in this portal: addresses, password and API tokens by role."""
        result: dict[str, Any] = json.loads(self.manage("-m", "tests.e2e.people").strip().splitlines()[-1])
        return result

    def client(self, token: str) -> httpx.Client:
        """An API client with a token."""
        return httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers={"Authorization": f"Bearer {token}"},
            timeout=120,
            follow_redirects=True,
        )

    def everything_logged(self) -> bytes:
        """All that the processes wrote to their log."""
        return self.log.read_bytes()


@contextmanager
def portal(var: Path, *, application: str = "", **environment: str) -> Iterator[Portal]:
    """Start a portal with an empty database below ``var``; stop everything at the end. ``environment`` is added to its own."""
    var.mkdir(parents=True, exist_ok=True)
    env = {key: value for key, value in os.environ.items() if key not in _INHERITED}
    port = _free_port()
    env |= {"GETDATA_VAR": str(var), "GETDATA_ENV": "embedded", "PORT": str(port), "GETDATA_SWEEP_SECONDS": "2"}
    env |= {"GETDATA_DEMO_CODE": DEMO_CODE}
    env |= {"GETDATA_LEASE_SECONDS": "30", "PYTHONUNBUFFERED": "1", "LOG_LEVEL": "INFO"}
    database = ""
    if os.environ.get("GETDATA_TEST_BACKEND") == "servers":
        database = f"getdata_e2e_{secrets.token_hex(4)}"
        _sql(f'CREATE DATABASE "{database}"')
        redis = urlsplit(os.environ["REDIS_URL"])
        broker = urlunsplit(redis._replace(path=f"/{3 + secrets.randbelow(12)}"))
        env |= {
            "DATABASE_URL": urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}")),
            "REDIS_URL": broker,
            "CELERY_BROKER_URL": broker,
            "GETDATA_STORAGE": "s3",
        }
    env |= environment
    log = var / "portal.log"
    log.touch()
    subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, env=env, check=True, timeout=600)
    running = Portal(f"http://127.0.0.1:{port}", var, env, log=log)
    running.application = application or running.application
    try:
        running.start_web()
        yield running
    finally:
        for child in (running.worker, running.web):
            if child is not None:
                _stop(child)
        if database:
            _sql(f'DROP DATABASE IF EXISTS "{database}" WITH (FORCE)')


def until(condition: Any, *, seconds: float, what: str) -> Any:
    """Ask again until the condition holds; returns its value. Fails with ``what`` after ``seconds``."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what}"
        time.sleep(0.5)


def _wait(running: Portal) -> None:
    def answers() -> bool:
        assert running.web is not None and running.web.poll() is None, running.log.read_text()[-2000:]
        try:
            return httpx.get(f"{running.url}/healthz", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    until(answers, seconds=300, what="the web server to answer")


def _spawn(arguments: list[str], env: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=ROOT,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def _stop(child: subprocess.Popen[bytes]) -> None:
    child.terminate()
    try:
        child.wait(timeout=5)
    except subprocess.TimeoutExpired:
        pass
    try:
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()


def _sql(statement: str) -> None:
    import psycopg2

    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    try:
        connection.cursor().execute(statement)
    finally:
        connection.close()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
