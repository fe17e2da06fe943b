"""The files of a batch that were not taken, by cause and place, as the hospital's board shows them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from fulfillment.models import Batch, Clearance, SourceFile, SourceFileStatus
from fulfillment.selectors import RETURNED, WITHHELD
from fulfillment.services.clearances import CLEARABLE
from fulfillment.uploads import names
from fulfillment.withheld_pictures import PICTURED
from getdata.accounts.models import User
from getdata.accounts.permissions import can

#: Tiles of one group that are drawn; whatever is done to the whole group is done to all of its files.
TILES = 24
#: Causes that ask for nothing: the image is here already.
HARMLESS = frozenset({"DUPLICATE_INSTANCE", "DUPLICATE_IMAGE"})


@dataclass(frozen=True)
class Tile:
    """One withheld file. ``boxes`` outline text in a picture of ``size`` (an SVG viewBox)."""

    file: SourceFile
    name: str
    pictured: bool
    boxes: list[list[int]]
    size: str
    clearance: Clearance | None


@dataclass
class Group:
    """Files with one cause, and for text in one place. ``key`` is what a form sends for all of them."""

    reason: str
    place: str
    status: str
    cause: str
    remedy: str
    files: list[SourceFile] = field(default_factory=list)
    tiles: list[Tile] = field(default_factory=list)

    @property
    def key(self) -> str:
        return f"{self.reason}|{self.place}"

    @property
    def harmless(self) -> bool:
        return self.reason in HARMLESS

    @property
    def clearable(self) -> bool:
        return self.reason in CLEARABLE

    @property
    def retriable(self) -> bool:
        return self.reason != RETURNED and not self.harmless

    @property
    def more(self) -> int:
        return len(self.files) - len(self.tiles)

    @property
    def waiting(self) -> int:
        """Files that wait for the second look."""
        return sum(_open_clearance(file) is not None for file in self.files)


@dataclass(frozen=True)
class Board:
    """All groups, those that need somebody first; ``safe`` counts the files that passed."""

    groups: list[Group]
    safe: int
    may_clear: bool
    may_confirm: bool

    @property
    def total(self) -> int:
        return sum(len(group.files) for group in self.groups)


def board_of(batch: Batch, viewer: User) -> Board:
    """The board of a batch for a person who may see its quarantine."""
    groups: dict[str, Group] = {}
    for file in withheld_files(batch):
        decided = _decided(file)
        group = Group(
            file.reason,
            str(decided.get("place", "")),
            file.status,
            str(decided.get("message", "")),
            str(decided.get("remedy", "")),
        )
        groups.setdefault(group.key, group).files.append(file)
    ordered = sorted(groups.values(), key=lambda group: (group.harmless, -len(group.files), group.key))
    for group in ordered:
        group.tiles = _tiles(group.files[:TILES])
    hospital = batch.fulfillment.hospital
    return Board(
        ordered,
        batch.files.filter(status=SourceFileStatus.PASSED, image__isnull=False).count(),
        can(viewer, "upload", hospital) and batch.is_writable,
        can(viewer, "approve_privacy", hospital) and batch.is_writable,
    )


def withheld_files(batch: Batch) -> list[SourceFile]:
    """Withheld files of a batch in the order of their numbers."""
    rows = batch.files.filter(status__in=WITHHELD).select_related("clearance__asked_by").order_by("number")
    files = list(rows)
    for file in files:
        file.batch = batch
    return files


def chosen_files(batch: Batch, *, keys: Iterable[str], pks: Iterable[str]) -> list[SourceFile]:
    """The files of whole groups (``keys``) and single ones (``pks``), as a form names them."""
    wanted, single = set(keys), set(pks)
    return [
        file
        for file in withheld_files(batch)
        if str(file.pk) in single or f"{file.reason}|{_decided(file).get('place', '')}" in wanted
    ]


def _tiles(files: list[SourceFile]) -> list[Tile]:
    known = names.unseal_names(files)
    return [_tile(file, str(known.get(file.pk, ""))) for file in files]


def _tile(file: SourceFile, name: str) -> Tile:
    decided = _decided(file)
    rows, columns = decided.get("rows"), decided.get("columns")
    size = f"0 0 {columns} {rows}" if rows and columns else ""
    pictured = file.reason in PICTURED and bool(file.stored)
    return Tile(file, name, pictured, decided.get("boxes") or [], size, _open_clearance(file))


def _open_clearance(file: SourceFile) -> Clearance | None:
    found: Clearance | None = getattr(file, "clearance", None)
    return found if found is not None and found.confirmed_by_id is None else None


def _decided(file: SourceFile) -> dict[str, Any]:
    """The finding that decided over the file."""
    return next((finding for finding in file.findings if finding.get("code") == file.reason), {})
