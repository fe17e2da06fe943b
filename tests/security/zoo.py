"""The hostile zoo, carried through a worker process: staged, claimed, processed and settled as any upload is.

    python -m tests.security.zoo [NAME-PART ...]

prints kind -> verdict, seconds and peak memory, and exits 1 when an animal breaks a rule: no clear reason, more than 10 seconds or
1.5 GiB, or a good file that does not pass behind it. The worker is a child with the limits of a worker; one that dies is replaced, as
Celery does, and the file is handed out again as the sweeper does. Its database is a file of its own that is thrown away.
"""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
MALFORMED = ROOT / ".." / "shared" / "data" / "dicom" / "malformed_pwnlab_v2"
SECONDS, MEMORY = 10.0, 1536 * 1024**2
#: A worker that says nothing for so long is ended, as a task's time limit would.
_PATIENCE = 600.0
GOOD = "the next good file"


@dataclass(frozen=True)
class Verdict:
    """How one animal ended: the ledger's status and reason, worker seconds, peak resident bytes, lost workers."""

    name: str
    status: str
    reason: str
    seconds: float
    peak: int
    lost: int = 0
    remedy: bool = True

    @property
    def faults(self) -> list[str]:
        """Which rules it breaks."""
        clear = self.status in ("passed", "rejected", "quarantined") or self.reason in (
            "TIME_LIMIT",
            "MEMORY_LIMIT",
            "WORKER_LOST",
        )
        found = [] if clear and self.reason not in ("INTERNAL_ERROR", "engine-error") else ["no clear reason"]
        found += [] if self.remedy else ["no remedy"]
        found += ["too slow"] if self.seconds > SECONDS else []
        found += ["too much memory"] if self.peak > MEMORY else []
        return found + (["the good file did not pass"] if self.name == GOOD and self.status != "passed" else [])


def kinds() -> Mapping[str, Callable[[], bytes]]:
    """Every animal: makers by the name that its file is sent under."""
    from tests.deid.objects import make_file, plain_chest
    from tests.deid.zoo import animals
    from tests.support.archives import odd_archives
    from tests.support.zoo_images import image_animals
    from tests.support.zoo_tables import table_animals

    good, other = make_file(plain_chest(48, 40)), make_file(plain_chest(40, 48))
    found: dict[str, Callable[[], bytes]] = dict(odd_archives(good, other))
    for name, maker in {**animals(), **image_animals()}.items():
        found[name if "." in name else f"{name}.dcm"] = maker
    found |= table_animals()
    if MALFORMED.is_dir():
        for path in sorted(MALFORMED.rglob("*")):
            if path.is_file() and path.suffix not in (".md", ".txt", ""):
                found[f"pwnlab/{path.relative_to(MALFORMED)}"] = path.read_bytes
    return found


def carry(names: list[str], *, good_every: int = 40) -> Iterator[Verdict]:
    """Carry animals through a worker, and a good file behind every so many of them."""
    with tempfile.TemporaryDirectory(prefix="files-zoo-") as folder:
        environment = {
            **os.environ,
            "GETDATA_VAR": folder,
            "DATABASE_URL": f"sqlite:///{folder}/zoo.sqlite3",
            "GETDATA_WORKER_MEMORY_MB": os.environ.get("GETDATA_WORKER_MEMORY_MB", "6144"),
            "OMP_NUM_THREADS": "1",
        }
        queue = [
            item for at, name in enumerate(names, 1) for item in ([name, GOOD] if at % good_every == 0 else [name])
        ]
        if not queue or queue[-1] != GOOD:
            queue.append(GOOD)
        worker = _Worker(environment)
        try:
            for name in queue:
                yield _carried(worker, name)
        finally:
            worker.end()


def _carried(worker: _Worker, name: str) -> Verdict:
    """One animal; when its worker dies, another takes it up again until the ledger gives it up."""
    answer = worker.ask({"send": name})
    lost = 0
    while answer is None and lost < 4:
        lost += 1
        worker.restart()
        answer = worker.ask({"sweep": name})
    if answer is None:
        return Verdict(name, "lost", "", 0, 0, lost)
    return Verdict(name, answer["status"], answer["reason"], answer["seconds"], answer["peak"], lost, answer["remedy"])


class _Worker:
    """The child, spoken to by lines of JSON."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.environment, self.fresh = environment, True
        self.process = self._start()

    def _start(self) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "tests.security.zoo_worker", "fresh" if self.fresh else "again"]
        self.fresh = False
        return subprocess.Popen(
            command, cwd=ROOT, env=self.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=None if os.environ.get("ZOO_ERRORS") else subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def ask(self, question: dict[str, Any]) -> dict[str, Any] | None:
        assert self.process.stdin is not None and self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            return None
        ready, _, _ = select.select([self.process.stdout], [], [], _PATIENCE)
        line = self.process.stdout.readline() if ready else ""
        return json.loads(line) if line.startswith("{") else None

    def restart(self) -> None:
        self.end()
        self.process = self._start()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                stream.close()


def main() -> int:
    """Print the table; 1 when a rule is broken."""
    wanted = sys.argv[1:]
    names = [name for name in kinds() if not wanted or any(part in name for part in wanted)]
    started, broken, worst_seconds, worst_peak = time.monotonic(), 0, 0.0, 0
    print(f"{'kind':52} {'verdict':12} {'reason':28} {'seconds':>8} {'peak MiB':>9}")
    for seen in carry(names):
        faults = seen.faults
        broken += bool(faults)
        worst_seconds, worst_peak = max(worst_seconds, seen.seconds), max(worst_peak, seen.peak)
        lost = f"  worker lost {seen.lost}x" if seen.lost else ""
        print(
            f"{seen.name[-52:]:52} {seen.status:12} {seen.reason:28} {seen.seconds:8.2f} {seen.peak / 1024**2:9.0f}"
            f"{lost}{'  <-- ' + ', '.join(faults) if faults else ''}",
            flush=True,
        )
    print(
        f"{len(names)} kinds in {time.monotonic() - started:.0f} s; slowest {worst_seconds:.2f} s; "
        f"most memory {worst_peak / 1024**2:.0f} MiB; {broken} break a rule"
    )
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
