"""Intake: uploads against a raw body, pages beside slow uploads, memory, a large batch, workers, and where a worker's time goes.

    python benchmarks/bench_intake.py [--part upload|slow|memory|large|workers|profile ...] [--files 10000] [--gigabytes 2]

Every ratio is of one run on one machine. The portal is a real one (granian, Celery, the embedded default) in a folder of its own.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import httpx

from tests.e2e.portal import Portal, portal, until

MB = 1024**2
TUS = {"Tus-Resumable": "1.0.0"}
PARTS = ("upload", "slow", "memory", "large", "workers", "profile")


class World:
    """The portal, one batch in it, and a client that may fill it."""

    def __init__(self, running: Portal) -> None:
        from tests.faults.world import make_batch

        self.portal = running
        self.batch, token = make_batch()
        self.headers = {"Authorization": f"Bearer {token}"}
        self.client = httpx.Client(base_url=running.url, headers=self.headers, timeout=300)
        self._number = 0
        self._lock = threading.Lock()

    def name(self) -> str:
        with self._lock:
            self._number += 1
            return f"file-{self._number}.bin"

    def raw(self, data: bytes) -> None:
        assert self.client.post("/raw", content=data).status_code == 204

    def tus(self, data: bytes) -> None:
        said = {"Upload-Metadata": f"filename {base64.b64encode(self.name().encode()).decode()}"}
        body = {"Content-Type": "application/offset+octet-stream"}
        head = {**TUS, **said, **body, "Upload-Length": str(len(data))}
        answer = self.client.post(f"/api/v1/batches/{self.batch}/uploads/", headers=head, content=data)
        assert answer.status_code == 201, answer.text

    def one_shot(self, data: bytes) -> None:
        head = {
            "Content-Disposition": f'attachment; filename="{self.name()}"',
            "Content-Type": "application/octet-stream",
        }
        answer = self.client.post(f"/api/v1/batches/{self.batch}/files/", headers=head, content=data)
        assert answer.status_code == 201, answer.text

    def web_memory(self) -> int:
        """Resident bytes of the web process's children together."""
        assert self.portal.web is not None
        total = 0
        for status in Path("/proc").glob("[0-9]*/status"):
            try:
                lines = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
            except OSError:
                continue
            if int(lines["PPid"]) == self.portal.web.pid or int(lines["Pid"]) == self.portal.web.pid:
                total += int(lines.get("VmRSS", "0 kB").split()[0]) * 1024
        return total


def different(base: bytes, number: int) -> bytes:
    """The same size, another content."""
    return number.to_bytes(8, "big") + base[8:]


def parallel(send: Callable[[bytes], None], base: bytes, count: int, threads: int = 4) -> float:
    """Megabytes a second of ``count`` bodies."""
    begin = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda n: send(different(base, time.time_ns() + n)), range(count)))
    return count * len(base) / MB / (time.perf_counter() - begin)


def upload(world: World, options: argparse.Namespace) -> None:
    """tus and one-shot against a raw body, in turn, so that all meet the same machine."""
    base, ways = os.urandom(8 * MB), {"raw": world.raw, "tus": world.tus, "one-shot": world.one_shot}
    rates: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(options.rounds):
        for way, send in ways.items():
            rates[way].append(parallel(send, base, 12))
    middle = {way: statistics.median(values) for way, values in rates.items()}
    print(f"upload, {options.rounds} rounds of 12 x 8 MB, 4 in parallel:")
    for way, rate in middle.items():
        spread = f"{min(rates[way]):.0f} to {max(rates[way]):.0f}"
        print(f"  {way:<9}{rate:7.1f} MB/s ({spread}), {rate / middle['raw']:.2f} of raw (limit 0.80)")


def slow(world: World, options: argparse.Namespace) -> None:
    """A page's time with and without 20 uploads that trickle in."""
    stop = threading.Event()

    def trickle() -> Any:
        for _ in range(4000):
            if stop.is_set():
                return
            yield b"x" * 2048
            time.sleep(0.1)

    def send() -> None:
        with httpx.Client(base_url=world.portal.url, headers=world.headers, timeout=600) as client:
            size = 4000 * 2048
            said = {"Upload-Metadata": f"filename {base64.b64encode(world.name().encode()).decode()}"}
            made = client.post(
                f"/api/v1/batches/{world.batch}/uploads/", headers={**TUS, **said, "Upload-Length": str(size)}
            )
            head = {**TUS, "Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"}
            try:
                client.patch(made.headers["Location"], headers={**head, "Content-Length": str(size)}, content=trickle())
            except httpx.HTTPError:
                return  # stopped

    def pages() -> list[float]:
        times = []
        for _ in range(100):
            begin = time.perf_counter()
            answer = httpx.get(f"{world.portal.url}/requests/", timeout=60)
            assert answer.status_code == 200
            times.append(1000 * (time.perf_counter() - begin))
        return sorted(times)

    pages()
    alone = pages()
    threads = [threading.Thread(target=send, daemon=True) for _ in range(20)]
    for thread in threads:
        thread.start()
    time.sleep(3)
    beside = pages()
    stop.set()
    print("page (GET /requests/, 100 times), milliseconds:")
    for name, times in (("alone", alone), ("beside 20 slow uploads", beside)):
        print(f"  {name:<24} median {times[49]:.0f}, p95 {times[94]:.0f} (limit 200), longest {times[-1]:.0f}")


def memory(world: World, options: argparse.Namespace) -> None:
    """The web process's resident memory while many small files come."""
    base, said = os.urandom(4096), []
    steps = [options.files // 20, *(options.files * n // 4 for n in (1, 2, 3, 4))]
    sent = 0
    for step in steps:
        parallel(world.one_shot, base, step - sent)
        sent = step
        said.append((sent, world.web_memory() / MB))
    print("memory of the web server (its processes together), MiB after so many small files:")
    print("  " + ", ".join(f"{count:,}: {held:.0f}" for count, held in said))
    print(f"  growth from {said[1][0]:,} to {said[-1][0]:,}: {said[-1][1] - said[1][1]:+.0f} MiB")


def large(world: World, options: argparse.Namespace) -> None:
    """A batch of gigabytes, over tus, in bodies of 16 MB."""
    base, count = os.urandom(16 * MB), int(options.gigabytes * 1024 / 16)
    before, begin = world.web_memory(), time.perf_counter()
    rate = parallel(world.tus, base, count)
    took, grown = time.perf_counter() - begin, (world.web_memory() - before) / MB
    print(f"a batch of {options.gigabytes:g} GB over tus: {took:.0f} s, {rate:.0f} MB/s, web memory {grown:+.0f} MiB")
    print(
        f"  on paper, 20 GB: {20 * 1024 / rate / 60:.0f} minutes at the same pace, and 20 GB of staging or of the bucket"
    )


def workers(world: World, options: argparse.Namespace) -> None:
    """Files a minute with one worker process and with two, in turn, on radiographs with real pixel work."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for turn in range(options.rounds):
        for processes in (1, 2):
            rates[processes].append(
                _files_a_minute(world, processes, options.images * processes, 1000 * (2 * turn + processes))
            )
    one, two = (statistics.median(rates[n]) for n in (1, 2))
    print(
        f"pipeline, 1600 x 1600 px: {one:.1f} files a minute with one worker process, {two:.1f} with two: {two / one:.2f} times"
    )


def _files_a_minute(world: World, processes: int, files: int, seed: int) -> float:
    from fulfillment.models import Batch
    from tests.faults.world import make_batch, settled
    from tests.support.staging import small_radiograph, stage

    pk, _ = make_batch()
    for number in range(files):
        stage(Batch.objects.get(pk=pk), small_radiograph(seed + number, side=1600), f"{number}.dcm")
    world.portal.start_worker("--concurrency", str(processes))
    until(lambda: settled(pk) >= 2 * processes, seconds=900, what="the workers to be warm")
    warm, begin = settled(pk), time.perf_counter()
    until(lambda: settled(pk) >= files, seconds=1800, what="the batch")
    took = time.perf_counter() - begin
    world.portal.kill_worker()
    return 60 * (files - warm) / took


def profile(world: World, options: argparse.Namespace) -> None:
    """Where a worker's processor time goes, by stage."""
    from fulfillment import ledger, pipeline
    from fulfillment.intake import originals, reports
    from fulfillment.models import Batch
    from fulfillment.verdict import instance
    from tests.faults.world import make_batch
    from tests.support.staging import small_radiograph, stage

    spent: dict[str, float] = {}

    def clocked(owner: Any, name: str, stage_name: str) -> None:
        original = getattr(owner, name)

        def call(*arguments: Any, **named: Any) -> Any:
            begin = time.process_time()
            try:
                return original(*arguments, **named)
            finally:
                spent[stage_name] = spent.get(stage_name, 0.0) + time.process_time() - begin

        setattr(owner, name, call)

    pk, _ = make_batch()
    batch = Batch.objects.get(pk=pk)
    files = [stage(batch, small_radiograph(n, side=options.side), f"{n}.dcm") for n in range(options.images + 1)]
    pipeline.process(files[0].pk)  # models and tables are read once in a worker's life
    clocked(ledger, "claim", "claim")
    clocked(originals, "read_original", "read and seal the original")
    clocked(instance, "deidentify", "de-identify (decode, find text, mask, encode, verify)")
    clocked(instance, "examine", "examine (decode, facts, quality, truth, preview)")
    clocked(pipeline, "store", "store and settle")
    clocked(reports, "adopt_reports", "reports of the study")
    begin, wall = time.process_time(), time.perf_counter()
    for file in files[1:]:
        pipeline.process(file.pk)
    total, took = time.process_time() - begin, time.perf_counter() - wall
    spent["the rest"] = total - sum(spent.values())
    each = f"{options.images} images of {options.side} x {options.side} px, {1000 * total / options.images:.0f} ms each"
    print(f"worker's processor time, {each}")
    for name, seconds in sorted(spent.items(), key=lambda item: -item[1]):
        print(f"  {name:<56}{1000 * seconds / options.images:8.1f} ms {100 * seconds / total:6.1f} %")
    pixels = sum(seconds for name, seconds in spent.items() if name.startswith(("de-identify", "examine")))
    share = f"{100 * pixels / total:.1f} % of processor time (limit 95), {100 * pixels / took:.1f} % of the wall's"
    print(f"  pixel and codec work: {share}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", action="append", choices=PARTS)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--gigabytes", type=float, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--side", type=int, default=2048)
    options = parser.parse_args()
    place = Path(tempfile.mkdtemp(prefix="getdata-bench-intake-"))
    try:
        threads = {"GETDATA_BENCH": "intake"}
        with portal(place, application="benchmarks.intake_app:application", **threads) as running:
            os.environ.update(running.env)
            os.environ["DJANGO_SETTINGS_MODULE"] = "getdata.settings"
            import django

            django.setup()
            world = World(running)
            print(f"load of the machine at the beginning: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
            for part in options.part or PARTS:
                globals()[part](world, options)
                sys.stdout.flush()
    finally:
        shutil.rmtree(place, ignore_errors=True)


if __name__ == "__main__":
    main()
