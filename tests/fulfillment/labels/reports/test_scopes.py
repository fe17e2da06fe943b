"""How far a "no", a "likely" and a "history of" reach."""

from __future__ import annotations

import pytest

from tests.fulfillment.labels.reports.saying import states

pytestmark = pytest.mark.pure


def absent(*findings: str) -> dict[str, str]:
    return dict.fromkeys(findings, "absent")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("No consolidation, effusion, or pneumothorax.", absent("consolidation", "pleural_effusion", "pneumothorax")),
        (
            "No focal consolidation, large pleural effusion, or pneumothorax is seen.",
            absent("consolidation", "pleural_effusion", "pneumothorax"),
        ),
        ("No pneumothorax or pleural effusion.", absent("pneumothorax", "pleural_effusion")),
        ("No pneumothorax, small left pleural effusion.", {"pneumothorax": "absent", "pleural_effusion": "present"}),
        ("No pneumothorax and stable cardiomegaly.", {"pneumothorax": "absent", "cardiomegaly": "present"}),
        ("No pneumothorax, but effusion persists.", {"pneumothorax": "absent", "pleural_effusion": "present"}),
        ("Cardiomegaly without edema.", {"cardiomegaly": "present", "pulmonary_edema": "absent"}),
        ("Neither effusion nor pneumothorax.", absent("pneumothorax", "pleural_effusion")),
        ("No effusion, there is cardiomegaly.", {"pleural_effusion": "absent", "cardiomegaly": "present"}),
        (
            "Negative for pneumothorax, effusion, edema or pneumonia.",
            absent("pneumothorax", "pleural_effusion", "pulmonary_edema", "pneumonia"),
        ),
    ],
)
def test_a_no_reaches_to_the_end_of_its_list_and_not_past_it(text: str, said: dict[str, str]) -> None:
    assert states(text) == said
