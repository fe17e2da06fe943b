"""Label files of every kind, read into one form and written from it. Pure: no Django, no storage, no network."""

from fulfillment.labels.formats.checking import check_against
from fulfillment.labels.formats.gather import Sizes
from fulfillment.labels.formats.matching import ImageIndex, Match, match_images
from fulfillment.labels.formats.model import (
    IMAGE_KINDS,
    Entry,
    ImageKind,
    ImageRef,
    Imported,
    Problem,
    Shape,
    Size,
    Written,
    extras,
    shape_fault,
)
from fulfillment.labels.formats.naming import Suggestion, Why, apply_mapping, is_known_finding, suggest_mapping
from fulfillment.labels.formats.reading import FORMATS, Format, read, sniff
from fulfillment.labels.formats.writing import WRITERS, write

__all__ = [
    "FORMATS",
    "IMAGE_KINDS",
    "WRITERS",
    "Entry",
    "Format",
    "ImageIndex",
    "ImageKind",
    "ImageRef",
    "Imported",
    "Match",
    "Problem",
    "Shape",
    "Size",
    "Sizes",
    "Suggestion",
    "Why",
    "Written",
    "apply_mapping",
    "check_against",
    "extras",
    "is_known_finding",
    "match_images",
    "read",
    "shape_fault",
    "sniff",
    "suggest_mapping",
    "write",
]
