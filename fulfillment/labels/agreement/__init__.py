"""How far readers agree, how many labels are likely wrong, and how to find out. Pure: numpy, no Django, no storage."""

from fulfillment.labels.agreement.alpha import krippendorff_alpha
from fulfillment.labels.agreement.estimate import Estimate
from fulfillment.labels.agreement.kappa import cohen_kappa, fleiss_kappa
from fulfillment.labels.agreement.noise import NoiseEstimate, Suspect, find_noise
from fulfillment.labels.agreement.rereading import (
    ErrorRate,
    RereadingPlan,
    StratumPlan,
    error_rate,
    plan_rereading,
    sample_size,
)
from fulfillment.labels.agreement.shapes import (
    Marked,
    ShapeAgreement,
    box_iou,
    mask_dice,
    mask_iou,
    match,
    shape_agreement,
)

__all__ = [
    "ErrorRate",
    "Estimate",
    "Marked",
    "NoiseEstimate",
    "RereadingPlan",
    "ShapeAgreement",
    "StratumPlan",
    "Suspect",
    "box_iou",
    "cohen_kappa",
    "error_rate",
    "find_noise",
    "fleiss_kappa",
    "krippendorff_alpha",
    "mask_dice",
    "mask_iou",
    "match",
    "plan_rereading",
    "sample_size",
    "shape_agreement",
]
