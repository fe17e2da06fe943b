"""What kind of file this is, told by its content: an archive, a file of labels or of reports, or else an instance."""

from __future__ import annotations

import zlib
from typing import Literal

from fulfillment.intake.report_files import is_report_table, is_text_report
from fulfillment.labels.formats import sniff as label_format
from fulfillment.pictures.table import is_picture_table
from fulfillment.unpacking.kinds import archive_format, is_tar_header
from fulfillment.verdict.aside import left_aside

Kind = Literal["instance", "archive", "labels", "reports", "aside", "pictures"]

_PNG = b"\x89PNG\r\n\x1a\n"


def kind_of(head: bytes, name: str, *, pictures: bool = False) -> Kind:
    """The kind of a file from its first bytes (a few kilobytes suffice) and its relative path.

    ``pictures``: the request takes PNG and JPEG with a table. A DICOM preamble may hold anything, a zip signature included, so the
    DICM mark is looked at first (PS3.10 7.1).
    """
    if left_aside(head, name) is not None:
        return "aside"
    if head[128:132] == b"DICM":
        return "instance"
    archive = archive_format(head)
    if archive is not None and not (archive == "gzip" and _is_packed_label_file(head, name)):
        return "archive"
    if is_picture_table(head):
        return "pictures"
    if pictures and head.startswith(_PNG) and "__" not in name.rsplit("/", 1)[-1]:
        return "instance"  # two underscores part the image from the finding in a mask's name
    if is_report_table(head):
        return "reports"
    if name.lower().endswith("labels.csv") or label_format(head, name) is not None:
        return "labels"
    if is_text_report(head, name):
        return "reports"
    return "instance"


def _is_packed_label_file(head: bytes, name: str) -> bool:
    """Whether a gzip holds one file of labels, and no archive or image."""
    try:
        inner = zlib.decompressobj(16 + zlib.MAX_WBITS).decompress(head, 1024)
    except zlib.error:
        return False
    if is_tar_header(inner[:512]) or inner[128:132] == b"DICM":
        return False
    return label_format(head, name) is not None
