"""An index of fingerprints in a process's memory, kept up with the table it is made from.

The rows are the truth; the index is a cache of them that every process keeps for itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db.models import QuerySet

from fulfillment.duplicates.fingerprint import VERSION, Query, from_bytes
from fulfillment.duplicates.index import Candidate, HashIndex

#: Rows committed this far behind the newest are looked for again: a number is given before its row is committed.
_BEHIND = 2_000
_READ = 5_000
_SAVE_EVERY = 20_000


class FingerprintCache:
    """The index of this process over one table, and how far it has read.

    ``rows`` gives every row of the table (``id``, ``version``, ``hashes``); ``name`` is that of the file left for the next start;
    without one the table is read anew.
    """

    def __init__(self, rows: Callable[[], QuerySet[Any]], name: str = "") -> None:
        self._all, self._name = rows, name
        self._one_at_a_time = threading.Lock()
        self.forget()

    def search(self, query: Query) -> list[Candidate]:
        """Candidates among every row that is committed now, nearest first."""
        with self._one_at_a_time:
            return self.caught_up().search([query])[0]

    def forget(self) -> None:
        """Begin anew at the next question."""
        self.index = HashIndex()
        self.mark = 0
        self.saved = 0
        self.recent: set[int] = set()
        self.fresh = True

    def caught_up(self) -> HashIndex:
        """The index with every row that is committed now."""
        last = self._all().order_by("-pk").values_list("pk", flat=True).first() or 0
        if last < self.mark:  # another database than before, or an older copy of it
            self.forget()
        if self.fresh:
            self.fresh = False
            self._load(last)
        rows = self._all().filter(version=VERSION)
        known = rows.filter(pk__gt=self.mark - _BEHIND, pk__lte=self.mark).values_list("pk", flat=True)
        late = [pk for pk in known if pk not in self.recent]
        if late:
            self._take(list(rows.filter(pk__in=late).values_list("pk", "hashes")))
        while True:
            batch = list(rows.filter(pk__gt=self.mark).order_by("pk").values_list("pk", "hashes")[:_READ])
            if not batch:
                break
            self._take(batch)
        self.recent = {pk for pk in self.recent if pk > self.mark - _BEHIND}
        if self._name and len(self.index) - self.saved >= _SAVE_EVERY:
            self.index.save(self._file(), self.mark)
            self.saved = len(self.index)
        return self.index

    def _take(self, batch: Sequence[tuple[int, bytes | memoryview[int]]]) -> None:
        self.index.add((pk, from_bytes(bytes(hashes))) for pk, hashes in batch if hashes)
        self.recent.update(pk for pk, _ in batch)
        self.mark = max(self.mark, *(pk for pk, _ in batch))

    def _load(self, last: int) -> None:
        """Begin with the file another run left, if the database is the one it was made from."""
        loaded = HashIndex.load(self._file()) if self._name else None
        if loaded is None or loaded[1] > last:
            return
        index, mark = loaded
        row = self._all().filter(pk=mark, version=VERSION).values_list("hashes", flat=True).first()
        if row is None or (row and index.holds(mark, from_bytes(bytes(row))) is False):
            return
        self.index, self.mark, self.saved = index, mark, len(index)
        # What is near the mark may have come late: those rows are read again unless the index has them.
        self.recent = index.keys_above(mark - _BEHIND)

    def _file(self) -> Path:
        return Path(settings.VAR) / "duplicates" / self._name
