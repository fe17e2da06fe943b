"""What a check remembers between two runs: verdicts by keyed fingerprint, and no name, header value or text.

The folder lies beside the report, is readable by its owner alone, and is removed when the check is complete. Its key is thrown
away with it: the pseudonyms in the verdicts mean nothing afterwards.
"""

from __future__ import annotations

import json
import secrets
import shutil
import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deid import Keyring
from fulfillment.kit.sources import Source

#: Raise when a verdict of an older version must not be used again.
VERSION = 1
_KEY, _ROWS, _UNPACKED = "key", "verdicts.sqlite3", "unpacked"


class State:
    """The memory of one check. ``resumed``: how many verdicts an earlier run left."""

    def __init__(self, folder: Path, *, spec_sha256: str, resume: bool) -> None:
        self.folder = folder
        stamp = f"{VERSION}:{spec_sha256}"
        if folder.exists() and not (resume and self._belongs(stamp)):
            self.remove()
        folder.mkdir(mode=0o700, parents=False, exist_ok=True)
        key = folder / _KEY
        if not key.exists():
            key.touch(mode=0o600)
            key.write_bytes(secrets.token_bytes(32))
        self.keyring = Keyring(secret=key.read_bytes(), key_id="throwaway")
        self._rows = sqlite3.connect(folder / _ROWS)
        self._rows.execute("CREATE TABLE IF NOT EXISTS about (stamp TEXT)")
        self._rows.execute("CREATE TABLE IF NOT EXISTS looked (mark TEXT PRIMARY KEY, verdict TEXT NOT NULL)")
        if not self._rows.execute("SELECT 1 FROM about").fetchone():
            self._rows.execute("INSERT INTO about VALUES (?)", (stamp,))
        self._rows.commit()
        self.resumed = int(self._rows.execute("SELECT count(*) FROM looked").fetchone()[0])

    def _belongs(self, stamp: str) -> bool:
        """Whether what lies there is of the same request and version, and whole."""
        try:
            with sqlite3.connect(self.folder / _ROWS) as rows:
                found = rows.execute("SELECT stamp FROM about").fetchone()
            return found == (stamp,) and len((self.folder / _KEY).read_bytes()) == 32
        except (sqlite3.Error, OSError):
            return False

    @property
    def unpacked(self) -> Path:
        """Where members of archives are written while the check runs."""
        folder = self.folder / _UNPACKED
        folder.mkdir(mode=0o700, exist_ok=True)
        return folder

    def digest(self, domain: str, value: str) -> str:
        """A keyed fingerprint that means nothing once the key is gone."""
        return self.keyring.digest(f"kit.{domain}", value).hex()[:32]

    def mark(self, source: Source) -> str:
        """The same path with the same size and time of change."""
        return self.digest("file", f"{source.shown}\0{source.size}\0{source.modified}")

    def verdict(self, source: Source) -> dict[str, Any] | None:
        row = self._rows.execute("SELECT verdict FROM looked WHERE mark = ?", (self.mark(source),)).fetchone()
        return json.loads(row[0]) if row else None

    def knows(self, source: Source) -> bool:
        """Whether an earlier run's verdict holds still. A picture's hangs on its table's row, so it is looked at again."""
        verdict = self.verdict(source)
        return verdict is not None and not verdict.get("picture")

    def keep(self, verdicts: Iterable[tuple[Source, dict[str, Any]]]) -> None:
        """Write verdicts down, all of them or none."""
        rows = [(self.mark(source), json.dumps(verdict)) for source, verdict in verdicts]
        with self._rows:
            self._rows.executemany("INSERT OR REPLACE INTO looked VALUES (?, ?)", rows)

    def close(self) -> None:
        self._rows.close()

    def remove(self) -> None:
        """Forget everything, the key first."""
        (self.folder / _KEY).unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)
