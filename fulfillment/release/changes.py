"""What a version changed since the one before: in words, and as a table that a program reads. No identity, only ids and classes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from fulfillment.release.facts import Version
from fulfillment.release.survey import counted
from fulfillment.release.tables import Column, Table

COLUMNS = (
    Column("image_id", about="the image: its replaced SOPInstanceUID"),
    Column("path", about="the DICOM file, below data/, in the version that has it"),
    Column("change", about="added, removed or relabelled"),
    Column("reason", about="class of the reason why it was removed"),
)
#: Why an image is not in the next version, and how a change log says it.
REASONS = {
    "withdrawn": "withdrawn by its hospital",
    "returned": "returned to its hospital by a reviewer",
    "batch_not_accepted": "its delivery is no longer accepted",
    "not_passed": "no longer passes the checks",
    "other": "for another reason",
}
#: Columns of a label that make it another one.
_SAID = ("finding", "state", "source", "reader")


def label_digests(rows: Iterable[Mapping[str, str]]) -> dict[str, bytes]:
    """Image -> digest of what its labels say, from the rows of a table of labels in any order."""
    found: dict[str, bytearray] = {}
    for row in rows:
        line = hashlib.blake2b("\0".join(row.get(name) or "" for name in _SAID).encode(), digest_size=16).digest()
        held = found.setdefault(row["image_id"], bytearray(16))
        for place, byte in enumerate(line):  # a sum modulo 256: the order of rows does not matter
            held[place] = (held[place] + byte) & 255
    return {image: bytes(digest) for image, digest in found.items()}


def relabelled(before: Mapping[str, bytes], after: Mapping[str, bytes], both: Iterable[str]) -> Iterator[str]:
    """Images of both versions whose labels say something else now, in the order given."""
    nothing = bytes(16)
    return (image for image in both if before.get(image, nothing) != after.get(image, nothing))


def write_changes(folder: Path, rows: Iterable[tuple[str, str, str, str]]) -> Path:
    """``changes.csv`` from rows of ``COLUMNS``."""
    with Table(folder, "changes", COLUMNS, parquet=False) as out:
        for row in rows:
            out.add(dict(zip((column.name for column in COLUMNS), row, strict=True)))
    return out.csv


def in_words(number: int, date: str, images: int, version: Version) -> str:
    """``CHANGELOG.md``."""
    lines = [f"# Changes\n\n## Release {number} ({date})\n"]
    if version.number is None:
        lines.append(f"- First release: {counted(images, 'image')}.")
    else:
        lines += [
            f"- {counted(version.added, 'image')} added since release {version.number}.",
            f"- {counted(version.removed, 'image')} removed.",
            *(f"  - {count:,} {REASONS[reason]}" for reason, count in sorted(version.reasons.items())),
            f"- {counted(version.relabelled, 'image')} with labels that say something else.",
        ]
        if version.withdrawn:
            lines.append(f"- Release {version.number} was withdrawn.")
        lines.append("\n`metadata/changes.csv` names them one by one. Delete your copies of images that were removed.")
    return "\n".join(lines) + "\n"
