"""What a label counts as for a request: its state under the uncertainty policy, if it is made as the request asks.

A finding's line says how closely it must be marked, from what source, by how many readers, whether board-certified, and how
readers who differ are settled. Only statements from the source asked, by the readers asked, are looked at; they are settled by the
rule of ``fulfillment.labels.consensus``; a finding that counts as present needs its box or outline, one that is absent needs none.
What falls short counts as nothing and says why. A further statement never takes a count away unless it contradicts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fulfillment.labels.consensus import settle
from fulfillment.labels.methods import FROM_IMAGE, Method
from fulfillment.labels.statement import Statement, people_behind
from requests_app.spec.document import UncertaintyPolicy
from requests_app.spec.lines import FindingLine
from requests_app.spec.vocabulary import Adjudication, AnnotationType, LabelMethod
from requests_app.spec.wording import plural
from requests_app.taxonomy import LabelState

CountsAs = Literal["present", "absent", "uncertain", "blank"]
Lack = Literal["", "SOURCE", "NOT_CERTIFIED", "TOO_FEW_READERS", "NOT_SETTLED", "NOT_MARKED", "MARK_ASTRAY"]

_ASKED: dict[LabelMethod, frozenset[Method]] = {
    LabelMethod.REPORT_NLP: frozenset({Method.REPORT_NLP}),
    LabelMethod.REPORT_READ: frozenset({Method.REPORT_READ}),
    LabelMethod.IMAGE_READ: FROM_IMAGE,
}
_SETTLES = {Adjudication.MAJORITY: 1, Adjudication.CONSENSUS: 2, Adjudication.SENIOR: 3}
#: A mask or an outline says where a box would be; a box does not say what an outline would.
_SHAPES: dict[AnnotationType, frozenset[str]] = {
    AnnotationType.BOX: frozenset({"box", "polygon", "mask"}),
    AnnotationType.POLYGON: frozenset({"polygon", "mask"}),
    AnnotationType.MASK: frozenset({"polygon", "mask"}),
}


@dataclass(frozen=True, slots=True)
class Weighed:
    """``lack`` is why a label that is there does not count, or ""."""

    counts_as: CountsAs
    lack: Lack = ""


def weigh(statements: Iterable[Statement], line: FindingLine | None, policy: UncertaintyPolicy) -> Weighed:
    """What the statements about one finding on one image count as. ``line``: what the request asks of its labels."""
    spoken = [one for one in statements if one.state is not LabelState.NOT_MENTIONED]
    if not spoken:
        return Weighed(policy.resolve(LabelState.NOT_MENTIONED))
    if line is None:
        return Weighed(policy.resolve(settle(spoken).state))
    source = line.source
    asked = _ASKED.get(source.method)
    if asked is not None:
        spoken = [one for one in spoken if one.method in asked]
        if not spoken:
            return Weighed("blank", "SOURCE")
    if source.board_certified:
        spoken = [one for one in spoken if one.board_certified]
        if not spoken:
            return Weighed("blank", "NOT_CERTIFIED")
    if people_behind(spoken) < source.min_readers:
        return Weighed("blank", "TOO_FEW_READERS")
    verdict = settle(spoken)
    needed = _SETTLES.get(source.adjudication, 0)
    # A majority is counted here; anything stronger somebody must have said.
    if needed > 1 and verdict.differed and max(one.settles for one in verdict.deciding) < needed:
        return Weighed("blank", "NOT_SETTLED")
    counts_as = policy.resolve(verdict.state)
    shapes = _SHAPES.get(line.annotation)
    if counts_as == "present" and shapes is not None and not any(one.shapes & shapes for one in verdict.agreed):
        return Weighed("blank", "MARK_ASTRAY" if any(one.astray for one in verdict.agreed) else "NOT_MARKED")
    return Weighed(counts_as)


def lack_words(lack: str, line: FindingLine) -> tuple[str, str]:
    """What the image's label lacks, as the end of a sentence, and the remedy."""
    source, name = line.source, line.finding
    match lack:
        case "SOURCE":
            return (
                f"with “{name}” from another source than the one asked for ({source.method.plain})",
                "Send labels from that source, with the column method, or say in the column how these were made.",
            )
        case "NOT_CERTIFIED":
            return (
                f"with “{name}” by readers not stated to be board-certified",
                "Fill in the column board_certified where it is true, or have a board-certified radiologist read them.",
            )
        case "TOO_FEW_READERS":
            return (
                f"with “{name}” by fewer than {plural(source.min_readers, 'readers')}",
                "Send each reader's rows with the column reader, or the number of readers in the column readers.",
            )
        case "NOT_SETTLED":
            how = "by consensus" if source.adjudication is Adjudication.CONSENSUS else "by a senior reader"
            return (
                f"on whose “{name}” readers differ and nothing settles it {how}",
                "Add the settled row, with the column method saying consensus or adjudicated.",
            )
        case "MARK_ASTRAY":
            return (
                f"with “{name}” whose mark lies outside the image or is of another size",
                "Give coordinates in pixels of the image as it was sent, neither scaled nor cropped.",
            )
        case _:
            what = {"box": "box", "polygon": "outline or mask", "mask": "mask or outline"}[line.annotation.value]
            return (
                f"with “{name}” without a {what}" if what == "box" else f"with “{name}” without {what}",
                f"Mark the finding: send its {what}, or leave the label out if it cannot be seen.",
            )
