"""The faults, each a story: what is started, what breaks while files come in and are worked on, how it is mended."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.e2e.portal import ROOT, Portal, portal, until
from tests.faults import world
from tests.faults.sender import Sender

INJECT = ("-I", "tests.faults.inject")
FAULTS = (
    "none", "worker-killed", "web-killed", "broker-killed", "disk-full", "store-flaky", "network-cut", "twice",
    "clock-jump", "poison",
)  # fmt: skip


class Story:
    """One run of one fault. ``said`` collects what happened, for the report."""

    def __init__(self, fault: str, files: int, var: Path) -> None:
        self.fault, self.files, self.var = fault, files, var
        self.said: list[str] = []
        self.more: list[subprocess.Popen[bytes]] = []
        self.portal: Portal
        self.batch = ""

    def run(self) -> dict[str, Any]:
        """Play it; returns the account of every file, with how long it took."""
        injected = {"store-flaky": "store"}.get(self.fault, "")
        if self.fault == "disk-full":
            self._small_disks()
        extra = {"GETDATA_STAGING_RESERVE_BYTES": "0", "GETDATA_TEST_FAULT": injected}
        try:
            with portal(self.var, application="tests.faults.wsgi:application", **extra) as self.portal:
                os.environ.update(self.portal.env)
                os.environ |= {"GETDATA_TEST_FAULT": "", "DJANGO_SETTINGS_MODULE": "getdata.settings"}
                import django

                django.setup()
                return self._play()
        finally:
            for child in self.more:
                child.kill()
            if self.fault == "disk-full":
                for name in ("files", "staging"):
                    subprocess.run(["umount", "-l", str(self.var / name)], check=False)
            shutil.rmtree(self.var, ignore_errors=True)

    def _play(self) -> dict[str, Any]:
        self.batch, token = world.make_batch()
        sender = Sender(
            self.portal.url,
            token,
            self.batch,
            cut=0.33 if self.fault == "network-cut" else 0.0,
            copies=2 if self.fault == "twice" else 1,
        )
        begin = time.monotonic()
        self._start_workers()
        sending = threading.Thread(target=sender.send_all, args=[world.small_files(self.files)], daemon=True)
        sending.start()
        getattr(self, f"_{self.fault.replace('-', '_')}", lambda: None)()
        until(lambda: not sending.is_alive(), seconds=3600, what="every file to be sent")
        assert sender.sent == self.files * sender.copies, "the sender gave up: its thread says why"
        until(lambda: world.settled(self.batch) >= self.files, seconds=3600, what="every file to settle")
        account = world.account(self.batch, self.files)
        self.portal.manage("manage.py", "verify_audit")
        account |= {
            "fault": self.fault,
            "seconds": round(time.monotonic() - begin),
            "happened": self.said,
            "sender": {
                "cuts": sender.cuts,
                "broken_connections": sender.broken,
                "asked_to_wait": sender.refusals,
                "codes": sorted(sender.codes),
            },
        }
        return account

    # --- how it is started --------------------------------------------------------------------------------------------

    def _start_workers(self) -> None:
        match self.fault:
            case "clock-jump":
                self._start("clock:1")
                self.more.append(self._another("clock:-1"))
                self.said.append("one worker an hour ahead, one an hour behind")
            case "store-flaky":
                self._start("store")
                self.said.append("one store call in five fails, in web and worker")
            case "twice" | "poison":
                self._start(self.fault)
            case _:
                self.portal.start_worker()

    def _start(self, fault: str) -> None:
        self.portal.start_worker(*INJECT, GETDATA_TEST_FAULT=fault)

    def _another(self, fault: str) -> subprocess.Popen[bytes]:
        arguments = ["-m", "celery", "-A", "getdata", "worker", "--concurrency", "1", "--loglevel", "WARNING"]
        arguments += ["--without-gossip", "--without-mingle", "-n", "other@%h", *INJECT]
        return self.portal.spawn(arguments, GETDATA_TEST_FAULT=fault)

    # --- what breaks --------------------------------------------------------------------------------------------------

    def _worker_killed(self) -> None:
        for share in (0.2, 0.4, 0.6):
            self._wait_for(world.settled, share)
            self.portal.kill_worker()
            self.said.append(f"worker killed with {world.settled(self.batch)} files settled")
            time.sleep(1)
            self.portal.start_worker()

    def _web_killed(self) -> None:
        for share in (0.2, 0.4, 0.6):
            self._wait_for(world.taken, share)
            assert self.portal.web is not None
            os.killpg(self.portal.web.pid, signal.SIGKILL)
            self.portal.web.wait()
            self.said.append(f"web killed with {world.taken(self.batch)} files taken in")
            time.sleep(1)
            self.portal.start_web()

    def _broker_killed(self) -> None:
        for share in (0.2, 0.5):
            self._wait_for(world.settled, share)
            at = world.settled(self.batch)
            lost = (
                self._kill_redis()
                if os.environ.get("CELERY_BROKER_URL", "").startswith("redis")
                else self._empty_the_folder()
            )
            self.said.append(f"broker lost {lost} messages with {at} files settled")

    def _empty_the_folder(self) -> int:
        """The embedded broker has no process: what a kill would cost is its messages."""
        lost = 0
        for message in (self.portal.var / "broker" / "queue").glob("*.msg"):
            message.unlink(missing_ok=True)
            lost += 1
        return lost

    def _kill_redis(self) -> int:
        from redis import Redis

        client = Redis.from_url(os.environ["CELERY_BROKER_URL"])
        about, held = client.info(), client.llen("files")
        os.kill(about["process_id"], signal.SIGKILL)
        time.sleep(2)
        port = str(about["tcp_port"])
        arguments = ["--port", port, "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        log = self.portal.log.open("ab")
        self.more.append(subprocess.Popen(["redis-server", *arguments], stdout=log, stderr=log))
        return int(held)

    def _small_disks(self) -> None:
        """The staging folder, and on the embedded default the stores, on disks that are too small for the batch."""
        for name, size in (("staging", self.files * 1200), ("files", self.files * 6000)):
            place = self.var / name
            place.mkdir(parents=True)
            subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], check=True)

    def _disk_full(self) -> None:
        from fulfillment.models import SourceFile

        def full() -> bool:
            waiting = SourceFile.objects.filter(outages__gt=0).exists()
            return waiting or world.settled(self.batch) >= self.files

        until(full, seconds=1800, what="the disk to fill up")
        self.said.append(f"disk of the stores full with {world.settled(self.batch)} files settled")
        time.sleep(15)
        subprocess.run(["mount", "-o", "remount,size=1G", str(self.var / "files")], check=True)
        time.sleep(5)
        subprocess.run(["mount", "-o", "remount,size=1G", str(self.var / "staging")], check=True)
        self.said.append(f"room made with {world.settled(self.batch)} files settled")

    def _wait_for(self, count: Callable[[str], int], share: float) -> None:
        until(lambda: count(self.batch) >= share * self.files, seconds=1800, what="the middle of the batch")


def play(fault: str, files: int, var: Path) -> dict[str, Any]:
    """One fault, from an empty portal to the account."""
    assert (ROOT / "manage.py").exists()
    return Story(fault, files, var).run()
