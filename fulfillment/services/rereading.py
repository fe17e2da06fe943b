"""Drawing a sample of a batch's labels for a blind second reading, and taking the answers."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from django.db import IntegrityError, transaction

from fulfillment.label_facts import statements
from fulfillment.labels.agreement import plan_rereading
from fulfillment.labels.consensus import consensus
from fulfillment.models import Batch, Image, Label, Rereading, RereadingAnswer, RereadingItem
from fulfillment.services.independence import require_may_review
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.taxonomy import LabelState

#: Half widths of the interval that a reviewer may ask for.
PRECISIONS: Final = (0.03, 0.05, 0.1)
EXPECTED: Final = 0.05
LEAST: Final = 3
CANNOT_TELL: Final = "cannot_tell"


def begin_rereading(*, batch: Batch, precision: float, actor: User) -> Rereading:
    """Draw the sample, once for a batch. Raises ``CannotDo``."""
    require_may_review(actor, batch)
    if precision not in PRECISIONS:
        raise CannotDo("That is no precision to choose.", remedy="Choose one of the three.", code="unknown_precision")
    labels = _labels(batch)
    if not labels:
        raise CannotDo(
            "No image of this batch has a label to read.", remedy="There is nothing to sample.", code="no_labels"
        )
    seed = secrets.token_hex(8)
    plan = plan_rereading(labels, precision=precision, expected=EXPECTED, least=LEAST, seed=seed)
    try:
        with transaction.atomic():
            made = Rereading.objects.create(
                batch=batch,
                begun_by=actor,
                precision=precision,
                expected=EXPECTED,
                seed=seed,
                arithmetic=list(plan.arithmetic),
                strata=[[stratum.finding, stratum.state, stratum.population] for stratum in plan.strata],
            )
            RereadingItem.objects.bulk_create(
                RereadingItem(rereading=made, image_id=UUID(str(key)), finding=stratum.finding, submitted=stratum.state)
                for stratum in plan.strata
                for key in stratum.chosen
            )
            record(
                verb="rereading.begun",
                target=made,
                actor=actor,
                organization_id=made.audit_organization_id,
                data={"batch": str(batch.pk), "labels": plan.population, "chosen": plan.total, "seed": seed},
            )
    except IntegrityError:
        raise CannotDo(
            "A sample was drawn already.", remedy="Go on with that one: a second draw could be chosen to please.",
            code="already_drawn",
        ) from None  # fmt: skip
    return made


def _labels(batch: Batch) -> list[tuple[str, str, str]]:
    """(image, finding, state) of what the labels of each standing image settle to."""
    standing = Label.objects.standing().filter(batch=batch, image__source__status="passed", image__source__batch=batch)
    return [
        (image, finding, verdict.state.value)
        for image, said in statements(standing).items()
        for finding, verdict in consensus(said).items()
        if verdict.state is not LabelState.NOT_MENTIONED
    ]


def next_image(rereading: Rereading) -> Image | None:
    """The first image with an unread finding; None when all is read."""
    item = rereading.items.filter(answer=None).order_by("image__source__number", "pk").select_related("image").first()
    return item.image if item is not None else None


def answer_image(*, rereading: Rereading, image: Image, answers: Mapping[str, str], actor: User) -> int:
    """Keep what the reviewer saw of each of the image's findings (item's key -> state or ``cannot_tell``), all at once.

    Returns how many were new: of two who read the same image the first counts. Raises ``CannotDo``.
    """
    require_may_review(actor, rereading.batch)
    items = list(rereading.items.filter(image=image, answer=None))
    allowed = {state.value for state in LabelState if state is not LabelState.NOT_MENTIONED} | {CANNOT_TELL}
    missing = [item.finding for item in items if answers.get(str(item.pk)) not in allowed]
    if missing:
        raise CannotDo(
            f"Not answered: {', '.join(missing)}.",
            remedy="Answer each finding; “cannot be told” is an answer.",
            code="unanswered",
        )
    made: list[Any] = []
    with transaction.atomic():
        for item in items:
            state = answers[str(item.pk)]
            answer, new = RereadingAnswer.objects.get_or_create(
                item=item, defaults={"reader": actor, "state": "" if state == CANNOT_TELL else state}
            )
            made += [answer] if new else []
        if made:
            record(
                verb="rereading.answered",
                target=rereading,
                actor=actor,
                organization_id=rereading.audit_organization_id,
                data={"image": str(image.pk), "findings": len(made)},
            )
    return len(made)
