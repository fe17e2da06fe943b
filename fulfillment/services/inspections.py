"""The sample of a batch that a person looks at: drawn when it is claimed, looked at image by image, complete before acceptance."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction

from fulfillment.models import Batch, BatchStatus, Image, ImageLook, Inspection, InspectionItem
from fulfillment.sampling import draw, plan_sample
from fulfillment.services.independence import require_may_review
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState

#: So many looks are told at once, at most: two pages of the contact sheet.
MOST_AT_ONCE = 200
_DAY = 86_400_000
_WORST = (InspectionItem.Why.DOUBT, InspectionItem.Why.MASKED, InspectionItem.Why.NEW)


@dataclass(frozen=True)
class Progress:
    """How far one reviewer is with the sample of a batch."""

    wanted: int
    looked: int

    @property
    def left(self) -> int:
        return self.wanted - self.looked

    @property
    def is_complete(self) -> bool:
        return self.left == 0


def current_inspection(batch: Batch) -> Inspection | None:
    """The sample of the batch as it is sealed now, None where none was drawn yet."""
    if batch.sealed_at is None or batch.is_writable:
        return None
    return batch.inspections.filter(sealed_at=batch.sealed_at).select_related("drawn_by").first()


def draw_inspection(*, batch: Batch, actor: User) -> Inspection:
    """Draw the sample, once for each sealing. Whoever comes second gets the one that is there: a second draw could please."""
    require_may_review(actor, batch)
    existing = current_inspection(batch)
    if existing is not None:
        return existing
    if batch.sealed_at is None or batch.is_writable:
        raise CannotDo(
            "A sample is drawn of a sealed batch.", remedy="Wait until the hospital seals it.", code="not_sealed"
        )
    certain, rest = _sorted_out(batch)
    seed = secrets.token_hex(8)
    plan = plan_sample(len(certain) + len(rest), len(certain))
    chosen = [*certain, *((key, InspectionItem.Why.LOT) for key in draw(rest, plan.drawn, seed))]
    try:
        with transaction.atomic():
            made = Inspection.objects.create(
                batch=batch,
                sealed_at=batch.sealed_at,
                drawn_by=actor,
                seed=seed,
                population=plan.population,
                certain=plan.certain,
                drawn=plan.drawn,
                miss=plan.miss,
                arithmetic=list(plan.arithmetic),
            )
            InspectionItem.objects.bulk_create(
                InspectionItem(inspection=made, image_id=UUID(key), place=place, why=why)
                for place, (key, why) in enumerate(chosen, start=1)
            )
            record(
                verb="inspection.drawn",
                target=batch,
                actor=actor,
                organization_id=made.audit_organization_id,
                data={"images": plan.population, "certain": plan.certain, "drawn": plan.drawn, "seed": seed},
            )
    except IntegrityError:
        return batch.inspections.get(sealed_at=batch.sealed_at)  # a colleague drew it in the same moment
    return made


def _sorted_out(batch: Batch) -> tuple[list[tuple[str, str]], list[str]]:
    """(key, why) of the images that are looked at in any case, worst first, and the keys of all others."""
    last = batch.reviews.order_by("-created_at").values_list("created_at", flat=True).first()
    certain: list[tuple[tuple[Any, ...], str, str]] = []
    rest: list[str] = []
    images = Image.objects.live().filter(source__batch=batch).order_by("source__number")
    for pk, number, reasons, masks, settled in images.values_list(
        "pk", "source__number", "review_reasons", "masks", "source__settled_at"
    ):
        fresh = last is not None and settled is not None and settled > last
        why = _WORST[0] if reasons else _WORST[1] if masks else _WORST[2] if fresh else ""
        if why:
            certain.append(((_WORST.index(why), -len(reasons), -len(masks), number), str(pk), why))  # type: ignore[arg-type]
        else:
            rest.append(str(pk))
    return [(key, why) for _, key, why in sorted(certain)], rest


def record_looks(*, batch: Batch, shown: Mapping[UUID, int | None], actor: User) -> Progress:
    """Remember that the reviewer who holds the batch had these images before them; returns how far they are.

    ``shown``: image -> milliseconds it was shown, None where the person says so. An image that they looked at before stays as it
    was. Raises ``CannotDo`` for images of another batch and ``StaleState`` for whoever does not hold this one.
    """
    require_may_review(actor, batch)
    if len(shown) > MOST_AT_ONCE:
        raise CannotDo(f"At most {MOST_AT_ONCE} images at once.", remedy="Send them in parts.", code="too_many_images")
    here = set(Image.objects.live().filter(source__batch=batch, pk__in=shown).values_list("pk", flat=True))
    if len(here) < len(shown):
        raise CannotDo(
            f"{len(shown) - len(here)} of these images are not in this batch any more.",
            remedy="Reload the contact sheet.",
            code="unknown_image",
        )
    with transaction.atomic():
        held = Batch.objects.select_for_update(of=("self",)).filter(pk=batch.pk, status=BatchStatus.IN_REVIEW)
        if not held.filter(reviewer=actor).exists():
            raise StaleState(Batch, BatchStatus.IN_REVIEW, BatchStatus.ACCEPTED)
        known = set(ImageLook.objects.filter(reviewer=actor, image__in=here).values_list("image_id", flat=True))
        fresh = sorted(here - known)
        ImageLook.objects.bulk_create(
            ImageLook(image_id=key, reviewer=actor, milliseconds=_plausible(shown[key])) for key in fresh
        )
        if fresh:
            numbers = list(
                Image.objects.filter(pk__in=fresh).order_by("source__number").values_list("source__number", flat=True)
            )
            record(
                verb="batch.looked_at",
                target=batch,
                actor=actor,
                organization_id=batch.fulfillment.hospital_id,
                data={"files": numbers},
            )
    return progress_of(batch, actor)


def _plausible(milliseconds: int | None) -> int | None:
    return None if milliseconds is None else max(0, min(milliseconds, _DAY))


def progress_of(batch: Batch, reviewer: User) -> Progress:
    """How much of the current sample this person has looked at."""
    inspection = current_inspection(batch)
    if inspection is None:
        return Progress(0, 0)
    items = inspection.items.filter(image__source__status="passed")
    return Progress(items.count(), items.filter(image__looks__reviewer=reviewer).count())


def require_complete(batch: Batch, actor: User) -> None:
    """Raise ``CannotDo`` unless the person has looked at every image of the current sample."""
    if current_inspection(batch) is None:
        raise CannotDo(
            "No sample of this batch was drawn yet.",
            remedy="Open the tab De-identification and draw it.",
            code="no_sample",
        )
    progress = progress_of(batch, actor)
    if not progress.is_complete:
        raise CannotDo(
            f"You have looked at {progress.looked:,} of {progress.wanted:,} images of the sample.",
            remedy=f"Look at the other {progress.left:,} on the tab De-identification; the sample cannot be skipped.",
            code="sample_incomplete",
            extra={"wanted": progress.wanted, "looked": progress.looked},
        )
