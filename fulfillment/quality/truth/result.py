"""What the picture itself says, as plain values."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

TRUTH_NAME = "GetDATA-T"
TRUTH_VERSION = "1.0"

View = Literal["frontal", "lateral", "unknown"]
Polarity = Literal["normal", "inverted", "unknown"]
Rotation = Literal[0, 90, 180, 270]

#: What a reader would look at and this package does not: it is listed, so that silence is not taken for approval.
NOT_ASSESSED: tuple[str, ...] = (
    "inspiration",
    "body rotation",
    "anatomy cut off at the edges (apices, costophrenic angles)",
    "AP against PA",
)


@dataclass(frozen=True, slots=True)
class Truth:
    """What one picture shows, as displayed by its PhotometricInterpretation. Confidences are 0 to 1.

    view: "unknown" where the confidence is below what the model card asks, and where ``not_chest`` is True.
    polarity: "inverted" if bones would be shown dark on light air. rotation: clockwise quarter turns, in degrees, that
    the picture has had (turn it back by so much to see it upright); None if not known. mirrored: left and right
    swapped, frontal views only, None if not known (a heart on the right exists, so this is never more than a hint).
    not_chest: True if the picture is taken for something else than a radiograph of a chest.
    ``assessed`` is False where nothing could be looked at (too small, one single value); ``reason`` then says why.
    ``collimated`` is the share of the picture that is flat margin.
    """

    view: View = "unknown"
    view_confidence: float = 0.0
    polarity: Polarity = "unknown"
    polarity_confidence: float = 0.0
    rotation: Rotation | None = None
    rotation_confidence: float = 0.0
    mirrored: bool | None = None
    mirrored_confidence: float = 0.0
    not_chest: bool = False
    not_chest_confidence: float = 0.0
    assessed: bool = False
    reason: str = ""
    collimated: float | None = None
    not_assessed: tuple[str, ...] = NOT_ASSESSED
    version: str = f"{TRUTH_NAME} {TRUTH_VERSION}"

    def as_dict(self) -> dict[str, Any]:
        """JSON-able."""
        return {**asdict(self), "not_assessed": list(self.not_assessed)}
