"""The release package: a BagIt bag in one zip, written as a stream. Pure: no Django, no database, no storage."""

from fulfillment.release.bag import Built, DamagedEntry, Entry, Written, write_bag
from fulfillment.release.documents import PackageFacts, ReleasedImage, documents
from fulfillment.release.labels import ReleasedLabel, ReleasedMark, label_files, objects_of
from fulfillment.release.pictures import as_png

__all__ = [
    "Built",
    "DamagedEntry",
    "Entry",
    "PackageFacts",
    "ReleasedImage",
    "ReleasedLabel",
    "ReleasedMark",
    "Written",
    "as_png",
    "documents",
    "label_files",
    "objects_of",
    "write_bag",
]
