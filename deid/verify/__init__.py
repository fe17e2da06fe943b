"""The second look (DEID.md, section 9): the cleaned bytes are read afresh and searched, by code that the first pass never
runs. Nothing here imports the reader, the cleaner, the text rules or the decoders; lint-imports holds that."""

from deid.verify.look import DateRule, PixelProof, pixel_sha256, verify_output

__all__ = ["DateRule", "PixelProof", "pixel_sha256", "verify_output"]
