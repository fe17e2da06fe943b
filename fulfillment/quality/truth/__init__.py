"""The header against the picture: what one radiograph shows, and what its header says of it. Pure."""

from fulfillment.quality.truth.look import look
from fulfillment.quality.truth.result import NOT_ASSESSED, TRUTH_NAME, TRUTH_VERSION, Truth

__all__ = ["NOT_ASSESSED", "TRUTH_NAME", "TRUTH_VERSION", "Truth", "look"]
