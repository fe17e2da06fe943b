"""What kind of file this is, told by its content: an archive, a file of labels or of reports, or else an instance."""

from __future__ import annotations

from typing import Literal

from fulfillment.intake.report_files import is_report_table, is_text_report
from fulfillment.labels.formats import sniff as label_format

Kind = Literal["instance", "archive", "labels", "reports"]

_ZIP = (b"PK\x03\x04", b"PK\x05\x06")


def kind_of(head: bytes, name: str) -> Kind:
    """The kind of a file from its first bytes (a few kilobytes suffice) and its relative path.

    A DICOM preamble may hold anything, a zip signature included, so the DICM mark is looked at first (PS3.10 7.1).
    """
    if head[128:132] == b"DICM":
        return "instance"
    if head.startswith(_ZIP):
        return "archive"
    if is_report_table(head):
        return "reports"
    if name.lower().endswith("labels.csv") or label_format(head, name) is not None:
        return "labels"
    if is_text_report(head, name):
        return "reports"
    return "instance"
