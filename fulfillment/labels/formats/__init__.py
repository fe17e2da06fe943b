"""Label files of every kind, read into one form and written from it. Pure: no Django, no storage, no network."""

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

__all__ = [
    "IMAGE_KINDS",
    "Entry",
    "ImageKind",
    "ImageRef",
    "Imported",
    "Problem",
    "Shape",
    "Size",
    "Written",
    "extras",
    "shape_fault",
]
