"""What a hospital does about a label that is in doubt: confirm it, or correct it. Either is a new row; the old one stays."""

from __future__ import annotations

from django.db import IntegrityError, transaction

from fulfillment.models import Annotation, Batch, Label
from fulfillment.models.labels import Origin
from fulfillment.uploads.rights import require_may_add_files
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.taxonomy import LabelState

MAX_REASON = 500
_KEPT = (
    "batch_id", "image_id", "table_id", "sop_instance_uid", "name_digest", "stem_digest", "row", "finding", "laterality", "method",
    "reader", "readers", "board_certified", "blind_to_report", "adjudication", "is_consensus", "tool", "tool_version",
)  # fmt: skip


def confirm_label(*, label: Label, reason: str, actor: User) -> Label:
    """Somebody looked again and the label stands as it is. Raises ``CannotDo``."""
    return _supersede(label, label.state, Origin.CONFIRMED, reason, actor)


def correct_label(*, label: Label, state: str, reason: str, actor: User) -> Label:
    """The label was wrong: its state is another one. Its marks stay while it says that something is there. Raises ``CannotDo``."""
    if state not in {one.value for one in LabelState}:
        raise CannotDo("This is no state of a label.", remedy="Choose one of the listed states.", code="unknown_state")
    if state == label.state:
        raise CannotDo(
            "The label says so already.",
            remedy="Confirm it as it is, or choose another state.",
            code="state_unchanged",
        )
    return _supersede(label, state, Origin.CORRECTED, reason, actor)


def _supersede(label: Label, state: str, origin: Origin, reason: str, actor: User) -> Label:
    require_may_add_files(actor, label.batch)
    reason = " ".join(reason.split())
    if not reason or len(reason) > MAX_REASON:
        raise CannotDo(
            f"A reason of 1 to {MAX_REASON} characters is needed: it stays with the label.",
            remedy="Say in a few words what you saw. Name no patient.",
            code="reason_needed",
        )
    try:
        with transaction.atomic():
            batch = (
                Batch.objects.select_for_update(of=("self",))
                .select_related("fulfillment__hospital")
                .get(pk=label.batch_id)
            )
            require_may_add_files(actor, batch)
            made = Label.objects.create(
                **{name: getattr(label, name) for name in _KEPT},
                state=state,
                origin=origin,
                supersedes=label,
                reason=reason,
                entered_by=actor,
            )
            if state not in (LabelState.ABSENT, LabelState.NOT_MENTIONED):
                Annotation.objects.bulk_create(_copied(shape, made) for shape in label.annotations.all())
            record(
                verb=f"label.{origin}",
                target=made,
                actor=actor,
                organization_id=batch.fulfillment.hospital_id,
                data={"batch": str(batch.pk), "before": label.state, "after": state, "supersedes": str(label.pk)},
            )
    except IntegrityError:
        raise CannotDo(
            "Somebody was faster: this row was replaced meanwhile.",
            remedy="Reload the page to see the row that stands in its place.",
            code="superseded_meanwhile",
        ) from None
    return made


def _copied(shape: Annotation, label: Label) -> Annotation:
    kept = ("kind", "frame", "box", "points", "mask", "rows", "columns", "row", "number")
    return Annotation(label=label, **{name: getattr(shape, name) for name in kept})


__all__ = ["confirm_label", "correct_label"]
