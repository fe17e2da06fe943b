"""A small picture of a withheld image, for the hospital's own eyes: it may show who the patient is.

The worker makes it while it has the original open, under its limits: the web process never decodes what a hospital sent. It lies in
quarantine beside its original, sealed in the same way, and is destroyed with it.
"""

from __future__ import annotations

import io
import logging

import numpy as np
from billiard.exceptions import SoftTimeLimitExceeded
from PIL import Image as Picture

from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import read_file
from deid.outcome import Refusal
from deid.pixels.decode import decode_pixels
from fulfillment.intake import sealing
from fulfillment.models import SourceFile

logger = logging.getLogger("getdata.withheld")
#: Causes for which looking helps.
PICTURED = frozenset(
    {
        "text-left",
        "text-too-much",
        "non-chest",
        "chest-not-stated",
        "identifier-left",
        "verify-pixels",
        "two-patient-ids",
    }
)
SIDE = 640


#: What the key of a picture ends with.
PICTURE = ".picture"


def picture_key(stored: str) -> str:
    """Where the picture of an original lies."""
    return f"{stored}{PICTURE}"


def keep_picture(file: SourceFile, data: bytes, reason: str) -> None:
    """Seal a picture of the original beside it, where looking helps. A file that cannot be drawn has none."""
    if reason not in PICTURED or not file.stored:
        return
    try:
        drawn = draw(data)
    except (SoftTimeLimitExceeded, MemoryError):
        raise
    except (Refusal, Exception) as problem:  # hostile or broken pixels: the verdict stands without a picture
        logger.info("withheld.not_drawn", extra={"source_file": str(file.pk), "error": type(problem).__name__})
        return
    sealing.put(file.batch.fulfillment.hospital_id, picture_key(file.stored), drawn)


def draw(data: bytes, side: int = SIDE) -> bytes:
    """An 8-bit PNG of the first frame as it was sent, at most ``side`` pixels on its long side. Raises ``Refusal``."""
    file = read_file(data)
    decoded = decode_pixels(file.dataset, file.syntax, DEFAULT_LIMITS)
    plane = np.asarray(decoded.values[0], dtype=np.float32)
    if plane.ndim == 3:
        plane = plane.mean(axis=-1)
    low, high = float(plane.min()), float(np.percentile(plane, 99.5))
    grey = np.clip((plane - low) * (255.0 / max(1e-6, high - low)), 0, 255).astype(np.uint8)
    if decoded.photometric == "MONOCHROME1":
        grey = 255 - grey
    picture = Picture.fromarray(grey)
    picture.thumbnail((side, side), Picture.Resampling.LANCZOS)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
