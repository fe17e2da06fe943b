"""The numbers that the audit decides by, and the version under which it decides. CXR audits: docs/audits.md explains each."""

from __future__ import annotations

from typing import Any, Final

#: Raised with every change that could change a figure or a verdict.
AUDIT_VERSION: Final = "1.0.0"
SCHEMA: Final = "getdata-audit/1"

#: Fewer patients on either side of a label than this, and a test can only say "underpowered".
LEAST_PATIENTS: Final = 100
#: False discovery rate over all tests of an audit together (Benjamini and Hochberg 1995).
FALSE_DISCOVERIES: Final = 0.05
V_AMBER: Final = 0.1
V_RED: Final = 0.3
AUC_AMBER: Final = 0.60
AUC_RED: Final = 0.70
PERMUTATIONS: Final = 200
LEAST_PERMUTATIONS: Final = 100
DRAWS: Final = 500
FOLDS: Final = 5
#: A category with fewer patients than this is counted with the other rare ones: a chi-square test needs expected counts.
RARE: Final = 10
MOST_CATEGORIES: Final = 40
#: Fold of an external validation: images with and without the finding.
LEAST_IN_FOLD: Final = 50
LEAST_SITES: Final = 3
#: Fewer explicit "absent" than this, and images that were labelled without a word on the finding stand in for them.
FEW_ABSENT: Final = 50


def as_dict() -> dict[str, Any]:
    """The thresholds as the document states them."""
    return {
        "least_positive_patients": LEAST_PATIENTS,
        "least_negative_patients": LEAST_PATIENTS,
        "false_discovery_rate": FALSE_DISCOVERIES,
        "cramers_v": {"amber": V_AMBER, "red": V_RED},
        "auc_lower_bound": {"amber": AUC_AMBER, "red": AUC_RED},
        "folds": FOLDS,
        "external_validation": {"least_positive": LEAST_IN_FOLD, "least_negative": LEAST_IN_FOLD, "least_sites": LEAST_SITES},
    }  # fmt: skip
