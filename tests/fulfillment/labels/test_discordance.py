"""Where report, label, box and side do not agree; and that flipped labels are found."""

from __future__ import annotations

import random

import pytest

from fulfillment.labels.discordance import BoxFact, Discordance, DiscordanceKind, Severity, discordances
from fulfillment.labels.reports import label_report
from requests_app.taxonomy import LabelState, get_taxonomy
from tests.fulfillment.labels.measure_reports import gold

pytestmark = pytest.mark.pure
PRESENT, LIKELY, POSSIBLE, ABSENT = LabelState.PRESENT, LabelState.LIKELY, LabelState.POSSIBLE, LabelState.ABSENT


def found(text: str | None, labels: dict[str, LabelState], **others: object) -> list[Discordance]:
    return discordances(None if text is None else label_report(text), labels, **others)  # type: ignore[arg-type]


def kinds(problems: list[Discordance]) -> list[tuple[str, str]]:
    return [(problem.kind.value, problem.finding) for problem in problems]


@pytest.mark.parametrize(
    ("text", "label", "kind", "severity"),
    [
        ("No pleural effusion.", PRESENT, DiscordanceKind.REPORT_DENIES, Severity.CONTRADICTION),
        ("Small effusion.", ABSENT, DiscordanceKind.REPORT_STATES, Severity.CONTRADICTION),
        ("Possible effusion.", ABSENT, DiscordanceKind.REPORT_UNCERTAIN, Severity.DOUBT),
        ("Possible effusion.", PRESENT, DiscordanceKind.REPORT_UNCERTAIN, Severity.DOUBT),
        ("No effusion.", POSSIBLE, DiscordanceKind.REPORT_DENIES, Severity.DOUBT),
        ("Cardiomegaly.", PRESENT, DiscordanceKind.REPORT_SILENT, Severity.DOUBT),
        ("Heart and lungs normal. No pneumothorax.", PRESENT, DiscordanceKind.REPORT_NORMAL, Severity.CONTRADICTION),
    ],
)
def test_a_label_that_the_report_does_not_bear_out_is_found(
    text: str, label: LabelState, kind: DiscordanceKind, severity: Severity
) -> None:
    (problem,) = found(text, {"pleural_effusion": label})
    assert (problem.kind, problem.finding, problem.severity) == (kind, "pleural_effusion", severity)
    if problem.start is not None and kind is not DiscordanceKind.REPORT_NORMAL:
        assert text[problem.start : problem.end].endswith("effusion")


@pytest.mark.parametrize(
    ("text", "label"),
    [("Effusion.", PRESENT), ("Likely effusion.", PRESENT), ("No effusion.", ABSENT), ("Edema.", ABSENT)],
)
def test_a_label_that_agrees_or_is_absent_where_the_report_is_silent_is_no_discordance(
    text: str, label: LabelState
) -> None:
    assert found(text, {"pleural_effusion": label}) == []


def test_labels_contradict_each_other_without_any_report() -> None:
    labels = {"no_finding": PRESENT, "effusion": LIKELY, "mass": ABSENT}
    assert kinds(found(None, labels, taxonomy="nih-chestxray14")) == [("no_finding_and_finding", "effusion")]
    labels = {"lung_opacity": ABSENT, "pneumonia": PRESENT}
    assert ("parent_absent_child_present", "pneumonia") in kinds(found(None, labels, taxonomy="chexpert-14"))
    assert found(None, {"support_devices": PRESENT, "no_finding": PRESENT}, taxonomy="chexpert-14") == []


def test_a_box_needs_its_label_and_a_label_its_box_where_boxes_are_asked_for() -> None:
    box = BoxFact("mass", 0.3)
    assert kinds(found(None, {"mass": ABSENT}, boxes=[box])) == [("box_without_label", "mass")]
    assert kinds(found(None, {}, boxes=[box])) == [("box_without_label", "mass")]
    assert found(None, {"mass": PRESENT}, boxes=[box], boxes_asked=["mass"]) == []
    assert kinds(found(None, {"mass": PRESENT}, boxes_asked=["mass"])) == [("label_without_box", "mass")]
    assert found(None, {"mass": PRESENT}) == []


@pytest.mark.parametrize(
    ("text", "centre", "laterality", "wrong"),
    [
        ("Left pleural effusion.", 0.25, "", True),
        ("Left pleural effusion.", 0.75, "", False),
        ("Left pleural effusion.", 0.51, "", False),
        ("Left pleural effusion.", None, "", False),
        ("Small effusion on the right.", 0.8, "", True),
        ("Bilateral effusions.", 0.2, "", False),
        ("Effusion.", 0.2, "", False),
        ("Left basilar atelectasis with right pleural effusion.", 0.8, "", True),
        ("Left effusion.", None, "R", True),
        ("Left effusion.", None, "left", False),
        ("No left effusion. Right effusion.", None, "right", False),
    ],
)
def test_the_side_of_the_report_is_held_against_box_and_label(
    text: str, centre: float | None, laterality: str, wrong: bool
) -> None:
    sides = {"pleural_effusion": laterality} if laterality else {}
    problems = found(text, {"pleural_effusion": PRESENT}, boxes=[BoxFact("pleural_effusion", centre)], laterality=sides)
    assert kinds(problems) == ([("side_differs", "pleural_effusion")] if wrong else [])


def flips(share: float, seed: int) -> tuple[int, int, int, int]:
    """(flipped, found, alarms on labels that were not flipped, labels not flipped) when a share of the gold's labels is flipped."""
    generator = random.Random(seed)
    taxonomy = get_taxonomy("nih-chestxray14")
    keys = {finding.name: finding.key for finding in taxonomy.findings if finding.key != "no_finding"}
    flipped = hits = alarms = kept = 0
    for report in gold():
        labels = {keys[name]: LabelState(state) for name, state in report.labels.items() if name in keys}
        turned = {
            key: ABSENT if state is PRESENT else PRESENT
            for key, state in labels.items()
            if state in (PRESENT, ABSENT) and generator.random() < share
        }
        problems = {
            d.finding for d in discordances(label_report(report.text), labels | turned, taxonomy="nih-chestxray14")
        }
        flipped += len(turned)
        hits += len(problems & set(turned))
        alarms += len(problems - set(turned))
        kept += len(labels) - len(turned)
    return flipped, hits, alarms, kept


def test_of_labels_flipped_between_present_and_absent_99_in_100_are_found_with_few_false_alarms() -> None:
    totals = [sum(parts) for parts in zip(*(flips(0.05, seed) for seed in range(3)), strict=True)]
    flipped, hits, alarms, kept = totals
    assert flipped > 150
    assert hits / flipped >= 0.99
    assert alarms / kept <= 0.02
