"""The release package: a BagIt bag in one zip, written as a stream. Pure: no Django, no database, no storage."""

from fulfillment.release.archive import Written
from fulfillment.release.bag import BagWriter, DamagedEntry, Entry, tag_entries, write_bag
from fulfillment.release.changes import label_digests, relabelled, write_changes
from fulfillment.release.clusters import clusters, write_clusters
from fulfillment.release.documents import Extras, describe, documents
from fulfillment.release.facts import PackageFacts, ReleasedImage, Version
from fulfillment.release.labels import Made, ReleasedLabel, ReleasedMark, made_of, masks_of, objects_of
from fulfillment.release.pictures import as_png

__all__ = [
    "BagWriter",
    "DamagedEntry",
    "Entry",
    "Extras",
    "Made",
    "PackageFacts",
    "ReleasedImage",
    "ReleasedLabel",
    "ReleasedMark",
    "Version",
    "Written",
    "as_png",
    "clusters",
    "describe",
    "documents",
    "label_digests",
    "made_of",
    "masks_of",
    "objects_of",
    "relabelled",
    "tag_entries",
    "write_bag",
    "write_changes",
    "write_clusters",
]
