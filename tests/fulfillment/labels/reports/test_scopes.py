"""How far a "no", a "likely" and a "history of" reach."""

from __future__ import annotations

import pytest

from fulfillment.labels.reports import label_report, report_states
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


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "no pneumothorax small left effusion heart enlarged",
            {"pneumothorax": "absent", "pleural_effusion": "present", "cardiomegaly": "present"},
        ),
        ("No consolidation to suggest interval development of infection.", absent("consolidation", "pneumonia")),
        ("no consolidation effusion pneumothorax", absent("consolidation", "pleural_effusion", "pneumothorax")),
    ],
)
def test_dictation_without_commas_ends_a_denial_at_the_next_statement(text: str, said: dict[str, str]) -> None:
    assert states(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("NO EVIDENCE OF\nPNEUMOTHORAX.", absent("pneumothorax")),
        (
            "No pneumothorax\nSmall effusion\nCardiomegaly",
            {"pneumothorax": "absent", "pleural_effusion": "present", "cardiomegaly": "present"},
        ),
        ("No focal consolidation or\nEffusion", absent("consolidation", "pleural_effusion")),
        (
            "Pleural effusion: none\nPneumothorax: none\nEdema: mild",
            absent("pleural_effusion", "pneumothorax") | {"pulmonary_edema": "present"},
        ),
    ],
)
def test_a_line_that_the_page_broke_ends_no_sentence_and_a_lines_own_end_does(text: str, said: dict[str, str]) -> None:
    assert states(text) == said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Vascular congestion.", {"pulmonary_edema": "possible"}),
        ("Vascular congestion. No edema.", absent("pulmonary_edema")),
        ("CHF.", {"pulmonary_edema": "likely"}),
        ("Blunted left costophrenic angle.", {"pleural_effusion": "possible"}),
        ("Blunted left costophrenic angle. No pleural effusion.", absent("pleural_effusion")),
    ],
)
def test_a_word_that_only_implies_a_finding_gives_way_to_its_plain_denial(text: str, said: dict[str, str]) -> None:
    assert states(text) == said


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("FINDINGS: Possible nodule. IMPRESSION: No nodule.", "absent"),
        ("FINDINGS: Nodule. IMPRESSION: No acute nodule.", "present"),
        ("FINDINGS: Nodule. IMPRESSION: Possible nodule.", "possible"),
        ("FINDINGS: No nodule. IMPRESSION: Likely nodule.", "likely"),
        ("FINDINGS: Nodule.\nADDENDUM: There is no nodule.", "absent"),
        ("No large nodule. Small nodule.", "present"),
    ],
)
def test_the_more_final_section_decides_but_a_denial_undoes_no_plain_finding(text: str, state: str) -> None:
    assert states(text)["nodule"] == state


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("Heart size normal and lungs are clear. No effusion.", True),
        ("Normal chest.", True),
        ("No acute cardiopulmonary abnormality.", False),
        ("Lungs are clear. Endotracheal tube in place.", True),
        ("Lungs are clear. Rib fracture.", False),
        ("Lungs are clear. Possible nodule.", False),
        ("Lungs are clear. Pneumomediastinum.", False),
        ("Lungs are clear. No pneumomediastinum.", True),
        ("Chest film.", False),
    ],
)
def test_no_finding_needs_somebody_to_say_so_and_nobody_to_say_otherwise(text: str, normal: bool) -> None:
    assert (report_states(label_report(text)).get("no_finding") == "present") is normal
