"""Who may look at an image in full, on what ground, and the note of each look. One rule for the page, its JSON and its pixels.

The stored values are the data themselves, so a researcher looks under the same live grant as they download: a verified
organization, a named person who has attested, a published release that holds the image. A preview is no ground for more.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.contrib.auth.models import AnonymousUser
from django.core import signing
from django.db.models import Q
from django.http import Http404
from django.utils.crypto import constant_time_compare, salted_hmac

from fulfillment.models import AccessGrant, Image, Release, ReleaseItem
from fulfillment.models.freezing import frozen_now
from fulfillment.services.grants import note_download
from getdata.accounts.models import Organization, User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

#: How long the address of an image's values can be used. Whether the person may still look is asked again when it is.
KEY_SECONDS = 120
_SALT = "fulfillment.viewer.pixels"


class Ground(StrEnum):
    """Why somebody may look."""

    HOSPITAL = "hospital"
    STAFF = "staff"
    GRANT = "grant"


@dataclass(frozen=True)
class Look:
    """An image before the eyes of a person. ``release``: where it is looked at as part of one; ``item``: its place there."""

    image: Image
    user: User
    ground: Ground
    release: Release | None = None
    grant: AccessGrant | None = None
    item: ReleaseItem | None = None

    @property
    def sees_evidence(self) -> bool:
        """Whether the person sees what de-identification doubted: the hospital and staff."""
        return self.ground is not Ground.GRANT

    def note(self) -> None:
        """Write down, before a value leaves, that a reviewer or a researcher took the image before their eyes.

        A researcher's look is a line of the custody ledger; a reviewer's is in the audit log of the hospital. People of the hospital
        look at their own images.
        """
        if self.grant is not None and self.item is not None:
            note_download(grant=self.grant, user=self.user, path=f"{self.item.path}#viewer", first_byte=0)
        elif self.ground is Ground.STAFF:
            record(
                verb="image.viewed",
                target=self.image,
                actor=self.user,
                organization_id=self.image.source.batch.fulfillment.hospital_id,
                data={"number": self.image.source.number},
            )


def look_at(user: User | AnonymousUser, pk: UUID, release_pk: UUID | None = None) -> Look:
    """The image for this person, as part of a release where one is named. Raises ``Http404``: what one may not see is not there."""
    if not isinstance(user, User):
        raise Http404
    image = (
        Image.objects.live()
        .select_related("source__batch__fulfillment__hospital", "source__batch__spec_version", "series__study__patient")
        .filter(pk=pk)
        .first()
    )
    if image is None:
        raise Http404
    ground = _own_ground(user, image)
    if ground is None:
        return _by_grant(user, image, release_pk)
    item = _item(image, release_pk, Release.objects.visible_to(user)) if release_pk else None
    return Look(image, user, ground, release=item.release if item else None, item=item)


def _own_ground(user: User, image: Image) -> Ground | None:
    hospital = image.source.batch.fulfillment.hospital_id
    mine = Organization.objects.filter(pk=hospital, memberships__user=user).exclude(pk__in=frozen_now().organizations)
    if mine.exists():
        return Ground.HOSPITAL
    return Ground.STAFF if user.is_reviewer else None


def _by_grant(user: User, image: Image, release_pk: UUID | None) -> Look:
    usable = AccessGrant.objects.usable_by(user).filter(release__items__image=image)
    if release_pk:
        usable = usable.filter(release=release_pk)
    grant = usable.select_related("release", "organization").order_by("-release__number", "-created_at").first()
    if grant is None:
        raise Http404
    item = _item(image, grant.release_id, Release.objects.filter(pk=grant.release_id))
    return Look(image, user, Ground.GRANT, release=grant.release, grant=grant, item=item)


def _item(image: Image, release_pk: Any, releases: Any) -> ReleaseItem:
    item = ReleaseItem.objects.filter(image=image, release=release_pk, release__in=releases).first()
    if item is None:
        raise Http404
    return item


def may_look(user: User | AnonymousUser, image: Image) -> bool:
    """The same question for a page that offers the link."""
    if not isinstance(user, User):
        return False
    if _own_ground(user, image) is not None:
        return True
    return AccessGrant.objects.usable_by(user).filter(Q(release__items__image=image)).exists()


# --- the short-lived address of an image's values ---------------------------------------------------------------------


def key_for(look: Look, *, frame: int, session: str) -> str:
    """What the address of one frame carries: bound to the image, the frame, the release, the person and the session."""
    return signing.dumps(_bound(look, frame, session), salt=_SALT)


def require_key(key: str, look: Look, *, frame: int, session: str) -> None:
    """Raise ``CannotDo`` unless the key was made for just this, less than ``KEY_SECONDS`` ago."""
    try:
        said = signing.loads(key, salt=_SALT, max_age=KEY_SECONDS)
        good = isinstance(said, list) and constant_time_compare(
            "|".join(map(str, said)), "|".join(_bound(look, frame, session))
        )
    except signing.BadSignature:  # also one that is too old
        good = False
    if not good:
        raise CannotDo(
            "This address of the image has expired, or was made for somebody else.",
            remedy="Open the image again: the page asks for a new address.",
            code="address_expired",
        )


def _bound(look: Look, frame: int, session: str) -> list[str]:
    held = salted_hmac(_SALT, session).hexdigest()[:32]
    release = look.release.pk if look.release else ""
    return [str(look.image.pk), str(frame), str(release), str(look.user.pk), held]
