"""Duplicate images. Pure. Exact duplicates here; near-duplicates have their own index."""

from fulfillment.duplicates.exact import pixel_sha256

__all__ = ["pixel_sha256"]
