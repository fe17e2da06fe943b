"""Which files of a release somebody wants: by the release's own tables, the same on the way and in the folder afterwards."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

#: Where the tables lie in the bag.
IMAGES, LABELS, SPLITS = "data/metadata/images.csv", "data/metadata/labels.csv", "data/splits/leave_one_site_out.csv"
STATES = ("present", "likely", "possible", "absent", "not_mentioned")
#: The word for everything that belongs to no image of its own: tables, documents, the bag's own files.
METADATA = "metadata"


@dataclass(frozen=True)
class File:
    """One file of the release: path in the bag, bytes, SHA-256 (hex)."""

    path: str
    size: int
    sha256: str


class CannotChoose(Exception):
    """What was asked for is not in the tables; ``cure`` says what is."""

    def __init__(self, cause: str, cure: str) -> None:
        super().__init__(cause)
        self.cause, self.cure = cause, cure


@dataclass(frozen=True)
class Choice:
    """What is wanted; nothing given is everything. Within one kind any of the values will do, kinds must all hold."""

    findings: tuple[str, ...] = ()
    states: tuple[str, ...] = ()
    views: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def is_everything(self) -> bool:
        return not any(asdict(self).values())

    @property
    def of_images(self) -> bool:
        """Whether the tables are needed to know which images."""
        return bool(self.findings or self.views or self.splits)

    @classmethod
    def read(cls, said: Any) -> Choice:
        """From the record in the folder. Raises ``ValueError``."""
        if not isinstance(said, dict) or not set(said) <= set(cls().__dict__):
            raise ValueError("not a choice")
        return cls(**{key: tuple(map(str, values)) for key, values in said.items()})


def choose(files: Sequence[File], choice: Choice, read: Callable[[str], bytes]) -> list[File]:
    """The files that the choice names; what belongs to no image always comes along.

    ``read`` gives a table's bytes by its path in the bag. Raises ``CannotChoose``.
    """
    if choice.is_everything:
        return list(files)
    images = _table(read(IMAGES))
    owners = _Owners(images)
    of_image = {file.path: owners.of(file.path) for file in files}
    folders = sorted({_folder(path) for path, owner in of_image.items() if owner})
    unknown = [kind for kind in choice.only if kind not in (*folders, METADATA)]
    if unknown:
        raise CannotChoose(f"The release has no {unknown[0]}.", f"It has {', '.join([*folders, METADATA])}.")
    wanted = _wanted(images, choice, read)
    return [
        file
        for file in files
        if not (owner := of_image[file.path])
        or (owner in wanted and (not choice.only or _folder(file.path) in choice.only))
    ]


class _Owners:
    """Which image a file is or was made from: its path but for folder and ending, or the image's id in its name."""

    def __init__(self, images: Iterable[dict[str, str]]) -> None:
        self._by_stem = {_stem(f"data/{row['path']}"): row["path"] for row in images}
        self._by_id = {_id(row): row["path"] for row in images}

    def of(self, path: str) -> str:
        """The path of the image in the table, or ""."""
        if not path.startswith("data/") or path.count("/") < 2:
            return ""
        stem = _stem(path)
        name = stem.rsplit("/", 1)[-1]
        # A folder or a suffix of its own: masks/<image>/effusion.png, masks/<image>_effusion.png.
        return (
            self._by_stem.get(stem)
            or self._by_stem.get(stem.rpartition("/")[0])
            or self._by_id.get(name)
            or self._by_id.get(name.partition("_")[0])
            or next((self._by_id[part] for part in stem.split("/") if part in self._by_id), "")
        )


def _wanted(images: list[dict[str, str]], choice: Choice, read: Callable[[str], bytes]) -> set[str]:
    """The paths of the images that all kinds of the choice name."""
    wanted = {row["path"] for row in images}
    if choice.views:
        known = {row.get("view", "") for row in images} - {""}
        views = {view.upper() for view in choice.views}
        _require(views, {view.upper() for view in known}, "view")
        wanted &= {row["path"] for row in images if row.get("view", "").upper() in views}
    if choice.findings:
        wanted &= _with_finding(_table(read(LABELS)), choice)
    if choice.splits:
        wanted &= _in_split(images, _table(read(SPLITS)), choice)
    return wanted


def _with_finding(labels: list[dict[str, str]], choice: Choice) -> set[str]:
    findings = {finding.casefold() for finding in choice.findings}
    named = {row["finding"].casefold() for row in labels} | {row.get("key", "").casefold() for row in labels}
    _require(findings, named - {""}, "finding")
    states = set(choice.states or ("present", "likely"))
    return {
        row["path"]
        for row in labels
        if row["state"] in states and {row["finding"].casefold(), row.get("key", "").casefold()} & findings
    }


def _in_split(images: list[dict[str, str]], splits: list[dict[str, str]], choice: Choice) -> set[str]:
    _require(set(choice.splits), {f"{row['fold']}:{row['role']}" for row in splits}, "split")
    ids = {row["image_id"] for row in splits if f"{row['fold']}:{row['role']}" in choice.splits}
    return {row["path"] for row in images if _id(row) in ids}


def _require(asked: set[str], known: set[str], kind: str) -> None:
    unknown = sorted(asked - known)
    if unknown:
        listed = ", ".join(sorted(known)[:20]) or "none"
        raise CannotChoose(f"The release has no {kind} “{unknown[0]}”.", f"It has {listed}.")


def _table(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode("utf-8"), newline="")))


def _id(row: dict[str, str]) -> str:
    return row.get("image_id") or row.get("sop_instance_uid") or row["path"]


def _folder(path: str) -> str:
    """``dicom`` of ``data/dicom/...``."""
    return path.split("/")[1]


def _stem(path: str) -> str:
    """The path below its first folder, without the ending."""
    rest = path.split("/", 2)[2]
    head, dot, _ = rest.rpartition(".")
    return head if dot and "/" not in rest[len(head) :] else rest
