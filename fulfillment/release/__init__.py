"""The release package: a BagIt bag in one zip, written as a stream. Pure: no Django, no database, no storage."""

from fulfillment.release.bag import Built, Entry, write_bag
from fulfillment.release.documents import PackageFacts, ReleasedImage, ReleasedLabel, documents

__all__ = ["Built", "Entry", "PackageFacts", "ReleasedImage", "ReleasedLabel", "documents", "write_bag"]
