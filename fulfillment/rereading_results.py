"""What a blind second reading of a batch's labels has found so far."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

from fulfillment.labels.agreement import ErrorRate, Estimate, RereadingPlan, StratumPlan, cohen_kappa, error_rate
from fulfillment.models import Rereading, RereadingItem
from requests_app.taxonomy import LabelState

#: A finding holds, or does not. ``possible`` is neither: such a label cannot be wrong, and such an answer makes none wrong.
HOLDS = {
    LabelState.PRESENT.value: True,
    LabelState.LIKELY.value: True,
    LabelState.ABSENT.value: False,
}


@dataclass(frozen=True)
class Disagreement:
    """An item whose submitted state and second reading contradict each other."""

    item: Any
    submitted: str
    read: str


@dataclass(frozen=True)
class Result:
    """``read`` of ``total`` items have an answer, ``unclear`` of them without a state. ``rate`` is weighted back to all labels."""

    total: int
    read: int
    unclear: int
    images_left: int
    rate: ErrorRate
    kappa: Estimate
    by_finding: tuple[tuple[str, int, int], ...]
    disagreements: tuple[Disagreement, ...]

    @property
    def is_complete(self) -> bool:
        return self.read == self.total


def result_of(rereading: Rereading) -> Result:
    """Counts, the share of wrong labels with its interval, kappa over findings that hold or do not, and what disagrees."""
    items = list(
        RereadingItem.objects.filter(rereading=rereading)
        .select_related("answer__reader", "image__source", "image__series__study")
        .order_by("image__source__number", "finding")
    )
    answered = [item for item in items if hasattr(item, "answer")]
    clear = [item for item in answered if item.answer.state]
    wrong: dict[Hashable, bool] = {item.pk: contradicts(item.submitted, item.answer.state) for item in clear}
    both = [(item, HOLDS.get(item.submitted), HOLDS.get(item.answer.state)) for item in clear]
    kappa = cohen_kappa(
        [submitted for _, submitted, _ in both],
        [read for _, _, read in both],
        categories=[False, True],
        clusters=[str(item.image.series.study.patient_id) for item, _, _ in both],
    )
    counts: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0])
    for item in clear:
        counts[item.finding][0] += 1
        counts[item.finding][1] += wrong[item.pk]
    left = {item.image_id for item in items if not hasattr(item, "answer")}
    return Result(
        total=len(items),
        read=len(answered),
        unclear=len(answered) - len(clear),
        images_left=len(left),
        rate=error_rate(_plan(rereading, items), wrong),
        kappa=kappa,
        by_finding=tuple((finding, *numbers) for finding, numbers in sorted(counts.items())),  # type: ignore[misc]
        disagreements=tuple(
            Disagreement(item, _plain(item.submitted), _plain(item.answer.state))
            for item in clear
            # Blind until the end of an image: nothing of it is shown while one of its findings is unread.
            if wrong[item.pk] and item.image_id not in left
        ),
    )


def contradicts(submitted: str, read: str) -> bool:
    """Whether one says that the finding holds and the other that it does not."""
    one, other = HOLDS.get(submitted), HOLDS.get(read)
    return one is not None and other is not None and one != other


def _plan(rereading: Rereading, items: list[RereadingItem]) -> RereadingPlan:
    chosen: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for item in items:
        chosen[item.finding, item.submitted].append(item.pk)
    strata = tuple(
        StratumPlan(finding, state, population, tuple(chosen[finding, state]))
        for finding, state, population in rereading.strata
    )
    return RereadingPlan(strata, rereading.precision, rereading.expected, rereading.seed, tuple(rereading.arithmetic))


def _plain(state: str) -> str:
    return LabelState(state).plain
