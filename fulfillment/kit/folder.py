"""The files of a folder, in order."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from fulfillment.verdict.names import is_noise

#: Enough of a file to tell its kind, as the server looks at it.
HEAD = 64 * 1024


def files_below(folder: Path, *, without: Collection[Path] = ()) -> list[str]:
    """Relative paths of every file below, in order; links to folders are not followed, leavings of operating systems left out."""
    left_out = {path.resolve() for path in without}
    found = []
    for root, folders, files in os.walk(folder):
        here = Path(root)
        folders[:] = sorted(name for name in folders if (here / name).resolve() not in left_out)
        for name in files:
            relative = (here / name).relative_to(folder).as_posix()
            if not is_noise(relative) and (here / name).resolve() not in left_out:
                found.append(relative)
    return sorted(found)
