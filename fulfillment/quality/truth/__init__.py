"""The header against the picture: what one radiograph shows, and what its header says of it. Pure."""

from fulfillment.quality.truth.correction import Correction, NotCorrected, swap_polarity, turn, undo
from fulfillment.quality.truth.display import as_displayed
from fulfillment.quality.truth.findings import concerns, truth_findings
from fulfillment.quality.truth.geometry import turn_box, turn_point
from fulfillment.quality.truth.look import look
from fulfillment.quality.truth.plausibility import plausibility
from fulfillment.quality.truth.result import NOT_ASSESSED, TRUTH_NAME, TRUTH_VERSION, Truth

__all__ = [
    "NOT_ASSESSED",
    "TRUTH_NAME",
    "TRUTH_VERSION",
    "Correction",
    "NotCorrected",
    "Truth",
    "as_displayed",
    "concerns",
    "look",
    "plausibility",
    "swap_polarity",
    "truth_findings",
    "turn",
    "turn_box",
    "turn_point",
    "undo",
]
