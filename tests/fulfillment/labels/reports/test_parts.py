"""Sections, words and sides: what is read, how it is spelled, and where it stands."""

from __future__ import annotations

import pytest

from fulfillment.labels.reports import label_report, sections
from fulfillment.labels.reports.lexicon import lexicon, phrases
from requests_app.taxonomy import concepts
from tests.fulfillment.labels.reports.saying import states

pytestmark = pytest.mark.pure


@pytest.mark.parametrize(
    ("text", "names"),
    [
        (
            "COMPARISON: None. INDICATION: Cough. FINDINGS: Clear. IMPRESSION: Normal.",
            ["comparison", "indication", "findings", "impression"],
        ),
        ("Indication: Chest pain Findings: Clear lungs. Impression: Normal.", ["indication", "findings", "impression"]),
        (
            "FINAL REPORT\n EXAMINATION: CHEST\n\n INDICATION: cough\n\n FINDINGS:\n\nClear.",
            ["examination", "indication", "findings"],
        ),
        ("HISTORY: cough\n\nPA and lateral views. No effusion.", ["history", "body"]),
        ("Findings\nClear.\nConclusion\nNormal.", ["findings", "impression"]),
        ("CHEST 2 VIEWS: NO EFFUSION.", ["body"]),
        ("Heart: normal. Lungs: clear.", ["body"]),
        ("ADDENDUM by somebody, 1/2/24 13:02: Nodule.\nORIGINAL REPORT: Clear.", ["addendum", "findings"]),
        ("Clinical: cough, ?effusion. Heart size normal.", ["indication", "body"]),
        ("COMPARISON: None. Heart enlarged. IMPRESSION: No edema.", ["comparison", "body", "impression"]),
        ("INDICATION: Cough. Known CHF. IMPRESSION: No edema.", ["indication", "impression"]),
        ("EXAM: XR CHEST\nPatchy infiltrate. No effusion.", ["examination", "body"]),
    ],
)
def test_headers_in_lines_of_their_own_inside_lines_and_missing_ones_are_seen(text: str, names: list[str]) -> None:
    assert [part.name for part in sections(text)] == names


def test_what_was_asked_or_compared_is_no_statement() -> None:
    text = "INDICATION: Pneumonia, effusion, history of CHF. COMPARISON: CT with nodule. FINDINGS: No effusion."
    assert states(text) == {"pleural_effusion": "absent"}


@pytest.mark.parametrize("word", ["effusiom", "efusion", "Effusions", "EFFUSION", "effussion", "effuison"])
def test_a_slip_of_one_letter_is_read(word: str) -> None:
    assert states(f"Small left {word}.") == {"pleural_effusion": "present"}


@pytest.mark.parametrize("word", ["infusion", "diffusion", "fusion", "effusive"])
def test_another_word_one_letter_away_is_not(word: str) -> None:
    assert states(f"Small left {word}.") == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Pulmonary oedema.", {"pulmonary_edema": "present"}),
        ("Pericardial effusion.", {}),
        ("Subcutaneous emphysema. Soft tissue edema.", {}),
        ("Collapse of the T8 vertebral body.", {}),
        ("Cystic fibrosis.", {}),
        ("Status post hernia repair.", {}),
        ("Hydropneumothorax.", {"pneumothorax": "present", "pleural_effusion": "present"}),
        ("Volume loss on the right.", {"atelectasis": "likely"}),
        ("Fibrosis with volume loss on the right.", {"pulmonary_fibrosis": "present"}),
        ("The heart is obscured by a large effusion.", {"pleural_effusion": "present"}),
        ("Chest tube has been removed.", {}),
    ],
)
def test_words_mean_what_they_mean_in_their_place(text: str, said: dict[str, str]) -> None:
    assert states(text) == said


@pytest.mark.parametrize(
    ("text", "side"),
    [
        ("Left pleural effusion.", "left"),
        ("Effusion on the right.", "right"),
        ("Small bilateral effusions, right greater than left.", "both"),
        ("Moderate right and small left pleural effusions.", "both"),
        ("Left lower lobe atelectasis with right effusion.", "right"),
        ("Effusion.", ""),
        ("No left effusion.", ""),
    ],
)
def test_a_finding_has_the_side_said_with_it(text: str, side: str) -> None:
    (effusion,) = [s for s in label_report(text) if s.finding == "pleural_effusion"]
    assert effusion.side == side


def test_every_finding_of_the_lexicon_is_a_shared_concept_and_the_brackets_work() -> None:
    found: set[str] = set()
    waiting = [lexicon().trie]
    while waiting:
        node = waiting.pop()
        for key, value in node.items():
            if key == "":
                found |= set(value.findings)
            else:
                waiting.append(value)
    assert {key for key in found if not key.startswith("~")} <= set(concepts())
    assert all(concept in concepts() for observation in lexicon().observations for concept in observation.concepts)
    assert sorted(phrases("a|b (c) soft_tissue|d")) == sorted(
        [(x, *c, *t) for x in "ab" for c in (("c",), ()) for t in (("soft", "tissue"), ("d",))]
    )
