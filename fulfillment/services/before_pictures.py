"""The picture of an original, for people of its hospital who compare it with what de-identification made of it.

It may show who the patient is, so it is drawn by a worker, sealed beside the original, destroyed with it, and each look is recorded.
"""

from __future__ import annotations

import logging

from fulfillment import looks
from fulfillment.intake import sealing
from fulfillment.models import SourceFile
from fulfillment.uploads import rights
from fulfillment.viewer.access import Ground, Look
from fulfillment.withheld_pictures import draw, picture_key
from getdata.common import storage
from getdata.common.crypto import CannotOpen
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue

logger = logging.getLogger("getdata.withheld")
DRAW = "fulfillment.draw_original_task"
#: Larger than on the board of withheld files, where it is a tile.
SIDE = 1600
#: What is sealed where an original cannot be drawn: nobody waits for it again.
_NOTHING = b""


def may_compare(look: Look) -> bool:
    """Whether this person may see the original beside the image: roles of the hospital that see its quarantine, while it is there."""
    source = look.image.source
    return look.ground is Ground.HOSPITAL and bool(source.stored) and rights.may_see_names(look.user, source.batch)


def ask_for_picture(look: Look) -> None:
    """Have the original drawn. The caller has asked ``may_compare``."""
    enqueue(DRAW, str(look.image.source.pk))


def picture_of(look: Look) -> bytes | None:
    """The PNG of the original, and the look is recorded; None where it is not drawn yet. The caller has asked ``may_compare``.

    Raises ``CannotDo``.
    """
    source = look.image.source
    hospital = source.batch.fulfillment.hospital_id
    try:
        picture = sealing.get(hospital, picture_key(source.stored))
    except FileNotFoundError:
        return None
    except (storage.Unreachable, CannotOpen):
        raise CannotDo(
            "The original cannot be opened now.", remedy="Try again in a minute.", code="unreachable"
        ) from None
    if picture == _NOTHING:
        raise CannotDo("This original cannot be drawn.", remedy="Look at it where you sent it from.", code="no_picture")
    looks.picture_shown(file=source, user=look.user)
    return picture


def draw_original(pk: str) -> None:
    """Draw and seal the picture of one original, if it is still there. Done twice, it is the same."""
    file = SourceFile.objects.select_related("batch__fulfillment").filter(pk=pk).exclude(stored="").first()
    if file is None:
        return
    hospital, key = file.batch.fulfillment.hospital_id, picture_key(file.stored)
    try:
        drawn = draw(sealing.get(hospital, file.stored), SIDE)
    except (storage.Unreachable, MemoryError):
        raise  # it is asked for again
    except Exception as problem:  # no image of DICOM, or one that only the pipeline's converters read
        logger.info("original.not_drawn", extra={"source_file": str(file.pk), "error": type(problem).__name__})
        drawn = _NOTHING
    sealing.put(hospital, key, drawn)
    if not SourceFile.objects.filter(pk=file.pk, stored=file.stored).exists():
        storage.quarantine().delete(key)  # the original was destroyed meanwhile: its picture must not outlive it
