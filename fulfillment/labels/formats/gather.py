"""What every reader is handed and what it collects: members of a file or folder, what is known besides, entries and problems."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from fulfillment.labels.formats.model import Entry, ImageKind, ImageRef, Imported, Problem, Shape, Size, shape_fault
from requests_app.taxonomy import LabelState

MAX_ENTRIES = 2_000_000
MAX_PROBLEMS = 1_000
MAX_NAME = 300


@dataclass(frozen=True)
class Member:
    """One file: its name, with folders and / where it lies in some, and its bytes."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        return stem(self.name)


def base(name: str) -> str:
    """The last part of a path, whichever way its slashes lean."""
    return PurePosixPath(name.replace("\\", "/")).name


def stem(name: str) -> str:
    """The file name without folders and extension; ``.nii.gz`` and ``.csv.gz`` are one extension."""
    last = base(name)
    if last.lower().endswith(".gz"):
        last = last[:-3]
    head, dot, tail = last.rpartition(".")
    return head if dot and head and 0 < len(tail) <= 5 and not tail.isdigit() else last


class Sizes:
    """Rows and columns by image, found by the exact name, the file name or its stem."""

    def __init__(self, sizes: Mapping[ImageRef, Size] | None = None) -> None:
        self._exact = dict(sizes or {})
        self._loose: dict[str, Size | None] = {}
        for ref, size in self._exact.items():
            for name in {ref.value, base(ref.value), stem(ref.value)}:
                known = self._loose.get(name, size)
                self._loose[name] = size if known == size else None

    def __bool__(self) -> bool:
        return bool(self._exact)

    def find(self, ref: ImageRef) -> Size | None:
        """The size of an image; None where it is not known, or where two images of different size go by the name."""
        if ref in self._exact:
            return self._exact[ref]
        for name in (ref.value, base(ref.value), stem(ref.value)):
            if name in self._loose:
                return self._loose[name]
        return None


@dataclass(frozen=True)
class Context:
    """What a reader may ask: whether a name is a finding of some list, and how large an image is."""

    is_finding: Callable[[str], bool] = lambda name: False
    sizes: Sizes = field(default_factory=Sizes)


class Gathering:
    """Collects what one reading gives, within limits; ``done`` makes it an ``Imported``."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.file = ""
        self.columns: tuple[str, ...] = ()
        self.rows = 0
        self._entries: list[Entry] = []
        self._problems: list[Problem] = []
        self._unsaid = 0
        self._full = False
        self._images: dict[ImageRef, None] = {}
        self._sizes: dict[ImageRef, Size] = {}

    def problem(self, row: int, code: str, cause: str, remedy: str, *, place: str = "") -> None:
        """Note what is wrong; beyond the limit only how many more there are."""
        if len(self._problems) >= MAX_PROBLEMS:
            self._unsaid += 1
        else:
            self._problems.append(Problem(row, code, cause, remedy, place, self.file))

    def image(self, kind: ImageKind, value: str, size: Size | None = None) -> ImageRef:
        """Note an image that the file names, and its size if it says so."""
        ref = ImageRef(kind, value)
        self._images.setdefault(ref)
        if size is not None:
            self._sizes[ref] = size
        return ref

    def entry(
        self,
        image: ImageRef,
        finding: str,
        state: LabelState = LabelState.PRESENT,
        *,
        shape: Shape | None = None,
        reader: str = "",
        method: str = "",
        row: int | str = 0,
        extra: tuple[tuple[str, str], ...] = (),
    ) -> None:
        """Note a statement. A shape that can be on no image is told, and the statement kept without it is not: it is left out."""
        number, place = (row, "") if isinstance(row, int) else (0, row)
        if len(finding) > MAX_NAME:
            self.problem(
                number,
                "NAME_TOO_LONG",
                f"The name of a finding has more than {MAX_NAME} characters.",
                "Put the name alone there; text of reports has no place in a table of labels.",
                place=place,
            )
            return
        fault = shape_fault(shape) if shape is not None else None
        if fault is not None:
            self.problem(number, *fault, place=place)
            return
        if len(self._entries) >= MAX_ENTRIES:
            if not self._full:
                self._full = True
                self.problem(
                    number,
                    "TOO_MANY_ENTRIES",
                    f"The file has more than {MAX_ENTRIES:,} labels; the rest was not read.",
                    "Split it into several files.",
                    place=place,
                )
            return
        self._entries.append(Entry(image, finding, state, shape, reader, method, row, "", extra, self.file))

    def done(self, name: str) -> Imported:
        """Everything, in the order it was met."""
        problems = list(self._problems)
        if self._unsaid:
            problems.append(
                Problem(
                    0,
                    "TOO_MANY_PROBLEMS",
                    f"{self._unsaid:,} more problems are not listed.",
                    "Correct the first ones; they usually share a cause.",
                )
            )
        return Imported(
            format=name,
            columns=self.columns,
            findings_seen=dict(Counter(entry.finding for entry in self._entries)),
            entries=tuple(self._entries),
            problems=tuple(problems),
            image_sizes=dict(self._sizes),
            images=tuple(self._images),
            rows=self.rows,
        )
