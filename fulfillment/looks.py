"""Looks of people at what may identify a person: each is in the audit log.

The same person looking at the same batch again within a quarter of an hour is one look: pages reload themselves. A look of staff
under an opening is recorded every time, with the opening.
"""

from __future__ import annotations

from django.contrib.auth.models import AnonymousUser
from django.core.cache import cache

from fulfillment.models import Batch, SourceFile
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.trust.openings import opening_for

#: Seconds within which looks at the same are one.
TOGETHER = 15 * 60


def names_shown(*, batch: Batch, user: User | AnonymousUser, count: int) -> None:
    """File names (or what else a hospital wrote) of ``count`` files of the batch are about to be shown."""
    if not count or not isinstance(user, User):
        return
    opening = opening_for(user, batch.fulfillment.hospital)
    if opening is None and not cache.add(f"look:{user.pk}:{batch.pk}", 1, TOGETHER):
        return
    record(
        verb="names.viewed",
        target=batch,
        actor=user,
        organization_id=batch.fulfillment.hospital_id,
        data={"count": count, **({"opening": str(opening.pk)} if opening else {})},
    )


def picture_shown(*, file: SourceFile, user: User) -> None:
    """The picture of a withheld original is about to be shown."""
    opening = opening_for(user, file.batch.fulfillment.hospital)
    record(
        verb="original.viewed",
        target=file,
        actor=user,
        organization_id=file.batch.fulfillment.hospital_id,
        data={"number": file.number, "reason": file.reason, **({"opening": str(opening.pk)} if opening else {})},
    )
