"""Runs that are cut short: killed whole, a worker killed, the disk full. Nothing is lost and nothing is half done."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import stat
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.deid.batch import command
from tests.deid.objects import make_file, plain_chest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks the command and finds its workers in /proc")


def _patient(n: int) -> dict[str, str]:
    return {"PatientID": str(1000 + n), "StudyInstanceUID": f"1.2.4.{n}"}


class Command:
    """The command in a forked process, with a detector that sees nothing: starting an interpreter for each run would
    cost two seconds of imports."""

    def __init__(self, arguments: list[str], said: Path, pause: float, first: Callable[[], None] | None) -> None:
        self.said_path = said
        self.process = multiprocessing.get_context("fork").Process(target=self._work, args=(arguments, pause, first))
        self.process.start()
        assert self.process.pid is not None
        self.pid = self.process.pid

    def _work(self, arguments: list[str], pause: float, first: Callable[[], None] | None) -> None:
        descriptor = os.open(self.said_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(descriptor, 2)
        sys.stderr = os.fdopen(2, "w", closefd=False)
        os.environ["DEID_TEST_PAUSE"] = str(pause) if pause else ""
        command.blind()
        if first:
            first()
        try:
            status = command.main(arguments)
        except BaseException:
            traceback.print_exc()
            status = 99
        sys.stderr.flush()
        os._exit(status)

    def kill(self) -> None:
        self.process.kill()
        self.process.join()

    def wait(self) -> int:
        self.process.join(240)
        assert self.process.exitcode is not None, "the run did not end"
        return self.process.exitcode

    def said(self) -> str:
        return self.said_path.read_text()


class Folder:
    """A folder with inputs and a key, and the command run on it as a process."""

    def __init__(self, root: Path, files: int = 8) -> None:
        self.root, self.input = root, root / "in"
        self.input.mkdir()
        (root / "key").write_text("5a" * 32)
        for n in range(files):
            (self.input / f"{n:02d}.dcm").write_bytes(
                make_file(plain_chest(40, 32, seed=n), SOPInstanceUID=f"1.2.3.{n}", **_patient(n // 3))
            )
        (self.input / "notes.txt").write_text("not an image")

    def start(self, name: str, *more: str, pause: float = 0, first: Callable[[], None] | None = None) -> Command:
        """The command writing to `name`, in a process of its own; `pause` seconds before each file, `first` done before
        anything else."""
        arguments = [str(self.input), str(self.root / name), "--key-file", str(self.root / "key"), "--map",
                     str(self.root / f"{name}.csv"), "--report", str(self.root / f"{name}.json"), *more]  # fmt: skip
        return Command(arguments, self.root / f"{name}.said", pause, first)

    def run(self, name: str, *more: str) -> int:
        return self.start(name, *more).wait()

    def results(self, name: str) -> tuple[dict[str, bytes], str, dict[str, object]]:
        """(files by name, map, report)."""
        assert len(list((self.root / name).rglob("*.dcm"))) == len(list(self.input.glob("*.dcm")))
        tree = {
            str(path.relative_to(self.root / name)): path.read_bytes()
            for path in (self.root / name).rglob("*")
            if path.is_file()
        }
        return tree, (self.root / f"{name}.csv").read_text(), json.loads((self.root / f"{name}.json").read_text())

    def journal(self, name: str) -> Path:
        return self.root / f"{name}.csv.journal"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, bytes], str, dict[str, object]]:
    """Results of an uninterrupted run on eight files."""
    folder = Folder(tmp_path_factory.mktemp("whole"))
    assert folder.run("whole") == 3
    return folder.results("whole")


Results = tuple[dict[str, bytes], str, dict[str, object]]


def wait_for_lines(path: Path, count: int) -> None:
    until = time.monotonic() + 120
    while not path.exists() or path.read_bytes().count(b"\n") < count:
        assert time.monotonic() < until, "the run did not get going"
        time.sleep(0.02)


def alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(process: int) -> list[int]:
    """Worker processes of a process, by /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == process:
            found.append(int(entry.parent.name))
    return found


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_run_killed_in_the_middle_is_resumed_to_the_same_files_map_and_report(
    tmp_path: Path, workers: str, whole: Results
) -> None:
    folder = Folder(tmp_path)
    process = folder.start("cut", "--workers", workers, pause=0.3)
    wait_for_lines(folder.journal("cut"), 3)
    process.kill()
    assert stat.S_IMODE(folder.journal("cut").stat().st_mode) == 0o600
    assert not (tmp_path / "cut.csv").exists() and not (tmp_path / "cut.json").exists()
    for path in (tmp_path / "cut").rglob("*.dcm"):
        assert path.read_bytes() == whole[0][str(path.relative_to(tmp_path / "cut"))], (
            "a half file under its final name"
        )
    lines_before = folder.journal("cut").read_bytes().count(b"\n")
    assert lines_before < 10
    assert folder.run("cut", "--resume", "--workers", workers) == 3
    assert folder.results("cut") == whole
    assert not folder.journal("cut").exists()


def test_a_resumed_run_does_finished_files_only_once_and_changed_files_again(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 6)
    process = folder.start("cut", pause=0.3)
    wait_for_lines(folder.journal("cut"), 4)
    process.kill()
    entries = [json.loads(line) for line in folder.journal("cut").read_text().splitlines() if line.endswith("}")]
    first = next(entry for entry in entries if entry["output"])
    made = tmp_path / "cut" / first["output"]
    if not made.exists():
        made = Path(first["part"])
    mark = made.stat().st_mtime_ns
    changed = folder.input / "05.dcm"
    changed.write_bytes(make_file(plain_chest(40, 32, seed=99), SOPInstanceUID="1.2.3.5", **_patient(1)))
    assert folder.run("cut", "--resume") == 3
    assert (tmp_path / "cut" / first["output"]).stat().st_mtime_ns == mark, "a finished file was done again"
    assert folder.run("fresh") == 3
    assert folder.results("cut") == folder.results("fresh")


def test_a_journal_of_another_key_is_not_believed_and_what_it_made_is_taken_back(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 4)
    process = folder.start("cut", pause=0.3)
    wait_for_lines(folder.journal("cut"), 3)
    process.kill()
    (tmp_path / "key").write_text("77" * 32)
    assert folder.run("cut", "--resume") == 3 and folder.run("fresh") == 3
    assert folder.results("cut") == folder.results("fresh")


def test_a_worker_killed_from_outside_costs_no_file(tmp_path: Path, whole: Results) -> None:
    folder = Folder(tmp_path)
    process = folder.start("hurt", "--workers", "2", pause=0.3)
    wait_for_lines(folder.journal("hurt"), 1)
    victims = children_of(process.pid)
    assert len(victims) == 2
    os.kill(victims[0], signal.SIGKILL)
    assert process.wait() == 3
    assert folder.results("hurt") == whole


def test_workers_end_with_a_parent_that_was_killed(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 4)
    process = folder.start("cut", "--workers", "2", pause=5)
    until = time.monotonic() + 60
    while len(children := children_of(process.pid)) < 2:
        assert time.monotonic() < until
        time.sleep(0.02)
    time.sleep(0.3)
    process.kill()
    until = time.monotonic() + 3
    while any(alive(child) for child in children):
        assert time.monotonic() < until, "an orphan went on with the original in its memory"
        time.sleep(0.05)


def limit_file_size() -> None:
    """No file of this process may grow beyond 3 kB: what a full disk does, without filling one."""
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)


def test_a_full_disk_ends_the_run_with_status_one_and_resume_completes_it(tmp_path: Path, whole: Results) -> None:
    folder = Folder(tmp_path)
    process = folder.start("full", first=limit_file_size)
    assert process.wait() == 1
    assert "--resume" in process.said() and "Traceback" not in process.said()
    assert not list((tmp_path / "full").rglob("*.dcm"))
    assert folder.run("full", "--resume") == 3
    assert folder.results("full") == whole


def test_an_output_folder_that_cannot_be_written_gives_status_one_and_says_so(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 1)
    (tmp_path / "closed").mkdir()
    (tmp_path / "closed" / ".incoming").write_text("in the way")
    process = folder.start("closed")
    assert process.wait() == 1
    assert "deid: " in process.said() and "Traceback" not in process.said()


def test_two_runs_on_one_map_do_not_mix(tmp_path: Path) -> None:
    folder = Folder(tmp_path, 4)
    first = folder.start("both", pause=3)
    wait_for_lines(folder.journal("both"), 1)
    second = folder.start("both")
    assert second.wait() == 1 and "another run" in second.said()
    assert first.wait() == 3
