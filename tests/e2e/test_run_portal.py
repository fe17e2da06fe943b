"""``manage.py run_portal``: one command serves everything, Ctrl-C ends everything."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.e2e.portal import ROOT, until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(var: Path, port: int) -> dict[str, str]:
    servers = ("DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "GETDATA_STORAGE")
    kept = {key: value for key, value in os.environ.items() if key not in servers}
    return kept | {"GETDATA_VAR": str(var), "PORT": str(port), "GETDATA_DEMO": "0"}


def processes_of(var: Path) -> list[int]:
    """Every process whose environment names the data folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if f"GETDATA_VAR={var}\0".encode() in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_and_one_signal_ends_every_process(tmp_path: Path, number: signal.Signals) -> None:
    port = free_port()
    log = tmp_path / "log"
    with log.open("wb") as out:
        portal = subprocess.Popen(
            [sys.executable, "manage.py", "run_portal"],
            cwd=ROOT,
            env=environment(tmp_path / "var", port),
            stdout=out,
            stderr=out,
        )
    try:
        until(
            lambda: b"GetDATA is at" in log.read_bytes() or portal.poll() is not None, seconds=120, what="the address"
        )
        assert httpx.get(f"http://127.0.0.1:{port}/", timeout=10).status_code == 200
        assert httpx.get(f"http://127.0.0.1:{port}/healthz", timeout=10).json()["ok"] is True
        assert len(processes_of(tmp_path / "var")) >= 3, "portal, web server and worker"
        portal.send_signal(number)
        portal.wait(timeout=20)
        assert processes_of(tmp_path / "var") == []
    finally:
        portal.kill()


def test_a_port_in_use_is_said_with_its_remedy(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "manage.py", "run_portal"],
            cwd=ROOT,
            env=environment(tmp_path / "var", port),
            capture_output=True,
            text=True,
            timeout=60,
        )
    assert done.returncode == 1
    assert f"Port {port} is in use" in done.stderr
    assert "PORT=" in done.stderr
