"""The journal of a run: what is finished, written as it happens, so that a run that was cut short can go on.

It lies beside the map, is as secret as the map (mode 0600 from its first byte), and goes when map and report are written.
"""

from __future__ import annotations

import errno
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from deid.batch.work import Done

try:
    import fcntl
except ImportError:  # Windows: two runs at once on one map are not noticed
    fcntl = None  # type: ignore[assignment]

_PATIENCE = 3.0
_MOST_SHARED = 10_000


def journal_path(map_path: Path) -> Path:
    """Where the journal of a run lies."""
    return map_path.with_name(map_path.name + ".journal")


class Journal:
    """An open journal, held alone by this run. Raises OSError when the disk refuses or another run holds it.

    run: what must be equal for an entry to hold (engine, policy, key). `entries`: (context, result) of the run to resume;
    `outdated`: outputs of a run under another engine, policy or key.
    """

    def __init__(self, path: Path, run: str, *, resume: bool) -> None:
        self._path, self._run = path, run
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.chmod(path, 0o600)
            _hold(self._descriptor)
            self.outdated: list[str] = []
            self.entries = list(self._read()) if resume else []
            # Written anew, so that a line cut in half by the end of the last run does not swallow the next.
            self._rewrite()
        except BaseException:
            os.close(self._descriptor)
            raise

    def __enter__(self) -> Journal:
        return self

    def __exit__(self, *problem: object) -> None:
        os.close(self._descriptor)

    def _read(self) -> Iterator[tuple[str, Done]]:
        with os.fdopen(os.dup(self._descriptor), "r", encoding="utf-8", errors="replace") as stream:
            for line in stream:
                try:
                    entry = json.loads(line)
                    run, context = entry.pop("run"), entry.pop("context")
                    done = Done(**entry)
                except (ValueError, TypeError, KeyError, AttributeError):
                    continue  # the line that was being written when the run was cut
                if run == self._run:
                    yield context, done
                elif done.output:
                    self.outdated.append(done.output)

    def _rewrite(self) -> None:
        kept = b"".join(self._line(context, done) for context, done in self.entries)
        temporary = self._path.with_name(self._path.name + ".new")
        if kept:
            with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
                stream.write(kept)
                stream.flush()
                os.fsync(stream.fileno())
            descriptor = os.open(temporary, os.O_RDWR)
            _hold(descriptor)
            os.replace(temporary, self._path)
            os.close(self._descriptor)
            self._descriptor = descriptor
            os.lseek(descriptor, 0, os.SEEK_END)
        else:
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)

    def write(self, done: Done, context: str) -> None:
        """Append one result. `context`: what else the result depended on, beside the file's own bytes."""
        line = self._line(context, done)
        while line:
            line = line[os.write(self._descriptor, line) :]

    def _line(self, context: str, done: Done) -> bytes:
        entry = {"run": self._run, "context": context, **vars(done)}
        return (json.dumps(entry, sort_keys=True) + "\n").encode()


def _hold(descriptor: int) -> None:
    """Take the journal for this run alone; a run that was just killed may need a moment to let go."""
    if fcntl is None:
        return
    until = time.monotonic() + _PATIENCE
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except BlockingIOError:
            if time.monotonic() > until:
                raise OSError(errno.EBUSY, "another run is writing this MAP") from None
            time.sleep(0.05)


class Sharing:
    """Lets equal parts of many records be one object: files of one device differ in digests, not in what was done."""

    def __init__(self) -> None:
        self._parts: dict[str, Any] = {}

    def share(self, record: dict[str, Any]) -> None:
        """Replace parts of a record by equal ones seen before. They must not be changed in place afterwards."""
        for name, value in record.items():
            if isinstance(value, dict | list):
                if len(self._parts) >= _MOST_SHARED:
                    self._parts.clear()
                record[name] = self._parts.setdefault(json.dumps(value, sort_keys=True), value)
            elif isinstance(value, str) and len(value) < 64:
                record[name] = sys.intern(value)
