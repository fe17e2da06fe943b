"""``python -m tests.support.killed_build RELEASE ENTRIES``: build a release, and be killed after so many entries.

The caller sets DATABASE_URL to its own database. Notes are written after every third entry.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

import django


def main(release: str, entries: int) -> None:
    django.setup()
    from fulfillment.release import BagWriter, Entry
    from fulfillment.services import release_building

    release_building._ENTRIES = 3
    add, written = BagWriter.add, 0

    def add_and_die(self: BagWriter, entry: Entry) -> Any:
        nonlocal written
        if written == entries:
            self._target.write(b"half an entry")
            os.kill(os.getpid(), signal.SIGKILL)
        written += 1
        return add(self, entry)

    BagWriter.add = add_and_die  # type: ignore[method-assign]
    release_building.build_release(release)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
