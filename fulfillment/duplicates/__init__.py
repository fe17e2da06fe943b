"""Duplicate images. Pure. Exact by decoded pixels; near by fingerprints, an index of them and a second look.

The modules: ``exact``, ``pdq`` (the published hash), ``picture`` and ``fingerprint`` (what is kept of an image),
``index`` (candidates), ``verify`` (the decision), ``folder`` and ``files`` (a folder on disk),
``hashlist`` (lists of published sets).
"""

from fulfillment.duplicates.exact import pixel_sha256

__all__ = ["pixel_sha256"]
