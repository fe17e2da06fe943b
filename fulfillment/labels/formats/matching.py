"""Which image a file of labels means: by the exact name first, then by file name, then by its stem; never by guess."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, NamedTuple

from fulfillment.labels.formats.gather import base, stem
from fulfillment.labels.formats.model import ImageRef


class Match(NamedTuple):
    """The image meant, or why there is none."""

    image: ImageRef | None
    why: Literal["exact", "file name", "stem", "unmatched", "ambiguous"]


class ImageIndex:
    """Looks images up by reference. Accession numbers and UIDs are matched whole; file names also without folders and extension,
    as long as one image only goes by that name."""

    def __init__(self, images: Iterable[ImageRef]) -> None:
        self._exact = dict.fromkeys(images)
        self._by: dict[tuple[str, str], set[ImageRef]] = {}
        for ref in self._exact:
            if ref.kind == "accession_number":
                continue
            for level, name in (("value", ref.value), ("base", base(ref.value)), ("stem", self._stem(ref))):
                self._by.setdefault((level, name), set()).add(ref)

    @staticmethod
    def _stem(ref: ImageRef) -> str:
        return ref.value if ref.kind == "sop_instance_uid" else stem(ref.value)

    def find(self, ref: ImageRef) -> Match:
        """The image that ``ref`` means."""
        if ref in self._exact:
            return Match(ref, "exact")
        if ref.kind == "accession_number":
            return Match(None, "unmatched")
        steps: tuple[tuple[str, str, Literal["exact", "file name", "stem"]], ...] = (
            ("value", ref.value, "exact"),
            ("base", base(ref.value), "file name"),
            ("stem", self._stem(ref), "stem"),
        )
        for level, name, how in steps:
            found = self._by.get((level, name), set())
            if len(found) == 1:
                return Match(next(iter(found)), how)
            if found:
                return Match(None, "ambiguous")
        return Match(None, "unmatched")


def match_images(refs: Iterable[ImageRef], images: Iterable[ImageRef]) -> Mapping[ImageRef, Match]:
    """Each reference once, with the image it means."""
    index = ImageIndex(images)
    return {ref: index.find(ref) for ref in dict.fromkeys(refs)}
