"""The files of a folder in the order in which they are judged, each with its kind. Archives are opened by ``unpacked``."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fulfillment.kit.folder import HEAD
from fulfillment.verdict.instance import refusal
from fulfillment.verdict.kinds import Kind, kind_of
from fulfillment.verdict.names import BadName, one_spelling

#: The server's own limit for one image; a portal may set another.
MAX_INSTANCE_BYTES = 512 * 1024**2


@dataclass(frozen=True)
class Source:
    """One file. ``name`` is its path as the server would seal it, ``shown`` how this report calls it: both are identity.

    ``fault``: a finding that keeps it from being looked at. ``archive``: the number of the archive that it was in,
    ``depth`` of how many.
    """

    number: int
    name: str = field(repr=False)
    shown: str = field(repr=False)
    path: Path = field(repr=False)
    kind: Kind = "instance"
    size: int = 0
    modified: int = 0
    fault: dict[str, Any] | None = None
    archive: int | None = None
    depth: int = 0


def source_of(number: int, raw: str, path: Path, *, shown: str, pictures: bool, within: Source | None = None) -> Source:
    """One file on disk as the server would take it in. ``raw``: the name as it was given. ``pictures``: the request takes them.
    ``within``: the archive that it was in."""
    archive, depth = (None, 0) if within is None else (within.number, within.depth + 1)
    name, fault = raw, None
    try:
        name = one_spelling(raw)
    except BadName as bad:
        fault = refusal("bad_file_name", str(bad), bad.remedy)
    try:
        about = path.stat()
        with path.open("rb") as stream:
            head = stream.read(HEAD)
    except OSError as error:
        unread = refusal("CANNOT_READ", f"The file cannot be opened ({error.strerror}).", "Look at its permissions.")
        return Source(number, name, shown, path, fault=fault or unread, archive=archive, depth=depth)
    kind = kind_of(head, name, pictures=pictures)
    if about.st_size == 0:
        fault = fault or refusal(
            "empty_file", "The file is empty.", "Export it again from its source, or leave it out."
        )
    elif kind != "archive" and about.st_size > MAX_INSTANCE_BYTES:
        fault = fault or refusal(
            "too_large",
            f"The file has {about.st_size / 1e6:,.0f} MB; the limit for one image is {MAX_INSTANCE_BYTES / 1e6:,.0f} MB.",
            "Send many files as one .zip archive; a single larger image cannot be taken in.",
        )
    return Source(number, name, shown, path, kind, about.st_size, about.st_mtime_ns, fault, archive, depth)
