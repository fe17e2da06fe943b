"""The quality score: pixels and header facts -> gates, named components, total, remedy. Pure."""

from fulfillment.quality.gates import GateRules
from fulfillment.quality.result import SCORE_NAME, SCORE_VERSION, Gate, QualityResult
from fulfillment.quality.score import (
    COMPONENT_REMEDIES,
    WEIGHTS,
    check_quality,
    components_of,
    score_image,
    total_of,
)

__all__ = [
    "COMPONENT_REMEDIES",
    "SCORE_NAME",
    "SCORE_VERSION",
    "WEIGHTS",
    "Gate",
    "GateRules",
    "QualityResult",
    "check_quality",
    "components_of",
    "score_image",
    "total_of",
]
