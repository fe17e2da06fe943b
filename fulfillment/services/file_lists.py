"""The files of a batch as a list: filtered, with cause and remedy, with names for those who may read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from fulfillment import looks
from fulfillment.duplicate_pairs import findings_by_file
from fulfillment.models import UNCOUNTED, Batch, Image, SourceFile, SourceFileStatus
from fulfillment.services.as_it_came import can_insist
from fulfillment.services.batches import RETRIABLE, WITHDRAWABLE
from fulfillment.services.reviews import RETURNED
from fulfillment.uploads import names, rights
from getdata.accounts.models import User


@dataclass(frozen=True)
class FileRow:
    """One file as a page or the API shows it. ``name`` is empty for people who may not read it."""

    file: SourceFile
    name: str
    causes: tuple[dict[str, str], ...]
    retriable: bool
    insistable: bool
    withdrawable: bool
    image_id: Any = None
    preview: bool = False

    @property
    def main(self) -> dict[str, str] | None:
        """The finding that decided over the file, or the first that binds; None when nothing refused it."""
        if self.file.status == SourceFileStatus.PASSED:
            return None
        decided = (cause for cause in self.causes if cause["code"] == self.file.reason)
        binding = (cause for cause in self.causes if cause["severity"] == "must")
        return next(decided, None) or next(binding, None) or next(iter(self.causes), None)

    @property
    def more(self) -> list[dict[str, str]]:
        """Every other finding."""
        return [cause for cause in self.causes if cause is not self.main]


def files_of(batch: Batch, *, status: str = "", reason: str = "") -> QuerySet[SourceFile]:
    """Files in the order of their numbers. Withdrawn ones show only when asked for; opened archives and what is no image do not."""
    files = batch.files.select_related("image").order_by("number")
    files = (
        files.filter(status=status)
        if status in SourceFileStatus.values
        else files.exclude(status=SourceFileStatus.WITHDRAWN)
    )
    files = files.exclude(kind__in=UNCOUNTED, status=SourceFileStatus.PASSED)
    return files.filter(reason=reason) if reason else files


def file_rows(files: Iterable[SourceFile], *, batch: Batch, user: User | AnonymousUser) -> list[FileRow]:
    """Rows for one page of a list. Names are unsealed only for those who may read them."""
    files = list(files)
    for file in files:
        file.batch = batch
    known = names.unseal_names(files) if rights.may_see_names(user, batch) else {}
    looks.names_shown(batch=batch, user=user, count=len(known))
    writable = rights.may_add_files(user, batch)
    pictured = set(
        Image.objects.filter(source__in=files).exclude(preview="").pictured_for(user).values_list("pk", flat=True)
    )
    twins = findings_by_file(files)
    return [_row(file, str(known.get(file.pk, "")), writable, pictured, twins.get(file.pk, [])) for file in files]


def file_row(file: SourceFile, *, user: User | AnonymousUser) -> FileRow:
    """The row of one file."""
    return file_rows([file], batch=file.batch, user=user)[0]


def _row(file: SourceFile, name: str, writable: bool, pictured: set[Any], twins: list[dict[str, Any]]) -> FileRow:
    image = getattr(file, "image", None) if file.status == SourceFileStatus.PASSED else None
    return FileRow(
        file=file,
        name=name,
        causes=tuple(plain_finding(finding) for finding in [*file.findings, *twins]),
        insistable=writable and can_insist(file, image),
        retriable=writable and file.status in RETRIABLE and file.reason != RETURNED,
        withdrawable=writable and file.status in WITHDRAWABLE,
        image_id=image.pk if image is not None and image.preview else None,
        preview=image is not None and image.pk in pictured,
    )


def plain_finding(finding: dict[str, Any]) -> dict[str, str]:
    """A stored finding with the names pages use: code, severity, cause, remedy, tag, check_id."""
    return {
        "code": str(finding.get("code", "")),
        "severity": str(finding.get("severity", "must")),
        "cause": str(finding.get("cause") or finding.get("message") or ""),
        "remedy": str(finding.get("remedy", "")),
        "tag": str(finding.get("tag", "")),
        "check_id": str(finding.get("check_id", "")),
    }
