"""From what a picture shows, and what its header says, to remarks that a person can act on.

Polarity and rotation may refuse a frontal image, if the request binds them and the picture leaves no doubt. View, mirroring and
"no chest" are never more than a hint to a person. AP against PA is not told from pixels and overrules no header.
"""

from __future__ import annotations

from collections.abc import Iterator

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.technique import FRONTAL, LATERAL
from fulfillment.quality.truth.result import Truth
from requests_app.spec.document import DatasetSpec

RADIOGRAPHS = frozenset({"CR", "DX", "RG", "OT", "SC"})
_MUCH_COLLIMATED = 0.4


def concerns(facts: ImageFacts, spec: DatasetSpec | None) -> bool:
    """True if the picture should be the radiograph of a chest: not a CT, and not where a request asks for none."""
    wanted = spec is None or bool(RADIOGRAPHS & set(spec.image.modality.allowed))
    return wanted and (facts.modality is None or facts.modality in RADIOGRAPHS)


def truth_findings(truth: Truth, facts: ImageFacts, spec: DatasetSpec | None = None) -> list[Finding]:
    """Remarks on one image. `facts`: of the header as it stands; `spec`: the request, or None for the portal's own rules."""
    if not concerns(facts, spec) or not truth.assessed:
        return []
    if truth.not_chest:
        return [
            Finding(
                "NOT_A_CHEST",
                "should",
                "",
                "PixelData",
                "The picture does not look like a radiograph of a chest.",
                "Look at it, and withdraw it if it shows something else.",
            )
        ]
    return [*_view(truth, facts), *_upright(truth, facts, spec), *_rest(truth)]


def _view(truth: Truth, facts: ImageFacts) -> Iterator[Finding]:
    said = "frontal" if facts.view in FRONTAL else "lateral" if facts.view in LATERAL else None
    if truth.view == "unknown" or truth.view == said:
        return
    if said is not None:
        yield Finding(
            "VIEW_CONTRADICTED",
            "should",
            "projections",
            facts.view_source or "ViewPosition",
            f"The header says {facts.view}, but the picture looks {truth.view}.",
            "Look at it, and correct the attribute at the source if the picture is right.",
        )
    elif facts.view is None:
        yield Finding(
            "VIEW_SEEN",
            "info",
            "projections",
            "ViewPosition",
            f"The header names no projection; the picture looks {truth.view}.",
            "Fill in ViewPosition at the source.",
        )


def _upright(truth: Truth, facts: ImageFacts, spec: DatasetSpec | None) -> Iterator[Finding]:
    rule = spec.image.upright if spec is not None else None
    severity: Severity = "should" if spec is not None and rule is None else "must" if rule is None else rule.level.value
    check_id = rule.check_id if rule is not None else ""
    if truth.view != "frontal" and severity == "must":
        severity = "should"  # the network has seen no real lateral: a hint, never a verdict
    if truth.polarity == "inverted":
        raw = facts.presentation_intent == "FOR PROCESSING"
        yield Finding(
            "POLARITY_INVERTED",
            "info" if raw else severity,
            check_id,
            "PhotometricInterpretation",
            "Black and white are exchanged: bones would be shown dark."
            + (" The image is raw detector data (FOR PROCESSING), where that can be right." if raw else ""),
            "Correct PhotometricInterpretation at the source and send the image again.",
        )
    if truth.rotation:
        lying = facts.view == "DECUBITUS"  # taken, and often kept, lying on the side
        yield Finding(
            "ROTATED",
            "info" if lying else severity,
            check_id,
            "PixelData",
            f"The picture is turned by {truth.rotation} degrees clockwise.",
            "Turn it upright at the source and send it again.",
        )


def _rest(truth: Truth) -> Iterator[Finding]:
    if truth.mirrored:
        yield Finding(
            "MIRRORED",
            "should",
            "",
            "PixelData",
            "Left and right look exchanged (the heart lies on the other side).",
            "Look at the side marker. Send the image unmirrored, or leave it if the heart does lie on the right.",
        )
    if truth.collimated is not None and truth.collimated > _MUCH_COLLIMATED:
        yield Finding(
            "MUCH_OF_IT_EMPTY",
            "info",
            "",
            "PixelData",
            f"About {truth.collimated:.0%} of the picture is empty margin.",
            "Nothing must be done; cropping at the source makes smaller files.",
        )
