"""What kind of file this is, told by its content: an archive, a label table, or else an instance."""

from __future__ import annotations

import csv

from fulfillment.models import SourceKind

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_WHICH = {"sop_instance_uid", "file"}
_WHAT = {"finding", "state"}


def sniff_kind(head: bytes, name: str) -> SourceKind:
    """The kind of a file from its first bytes (a few kilobytes suffice) and its relative path.

    A DICOM preamble may hold anything, a zip signature included, so the DICM mark is looked at first (PS3.10 7.1).
    """
    if head[128:132] == b"DICM":
        return SourceKind.INSTANCE
    if head.startswith(_ZIP):
        return SourceKind.ARCHIVE
    if name.lower().endswith("labels.csv") or _is_label_table(head):
        return SourceKind.LABELS
    return SourceKind.INSTANCE


def _is_label_table(head: bytes) -> bool:
    if b"\0" in head[:4096]:
        return False
    first = head.split(b"\n", 1)[0][:4096].decode("utf-8-sig", errors="replace").strip()
    for delimiter in ",;\t":
        columns = {cell.strip().lower() for row in csv.reader([first], delimiter=delimiter) for cell in row}
        if columns >= _WHAT and columns & _WHICH:
            return True
    return False
