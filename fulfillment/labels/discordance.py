"""Where a report, a label, a box and a side do not agree. Pure; a worklist for the hospital, a figure for the researcher.

A discordance says what disagrees, never which of the two is right: labels are wrong, reports are, and so is whoever reads
them. Findings are keys of the taxonomy of the labels.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from fulfillment.labels.reports import Statement, in_taxonomy
from requests_app.taxonomy import FindingKind, LabelState, Taxonomy, ancestors, get_taxonomy

_POSITIVE = frozenset((LabelState.PRESENT, LabelState.LIKELY))
#: A box whose centre lies this close to the middle, as a share of the width, has no side.
MIDLINE = 0.05


class DiscordanceKind(StrEnum):
    """What disagrees with what."""

    REPORT_DENIES = "report_denies"
    REPORT_STATES = "report_states"
    REPORT_NORMAL = "report_normal"
    REPORT_UNCERTAIN = "report_uncertain"
    REPORT_SILENT = "report_silent"
    NO_FINDING_AND_FINDING = "no_finding_and_finding"
    PARENT_ABSENT_CHILD_PRESENT = "parent_absent_child_present"
    BOX_WITHOUT_LABEL = "box_without_label"
    LABEL_WITHOUT_BOX = "label_without_box"
    SIDE_DIFFERS = "side_differs"


class Severity(StrEnum):
    """ "contradiction": both cannot be right. "doubt": both can, and somebody should look."""

    CONTRADICTION = "contradiction"
    DOUBT = "doubt"


@dataclass(frozen=True, slots=True)
class Discordance:
    """One disagreement about one finding. `start` and `end` are the report's words (offsets into its text), None where it says
    nothing.
    """

    kind: DiscordanceKind
    finding: str
    severity: Severity
    detail: str
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class BoxFact:
    """A box, polygon or mask: its finding's key, and its centre's place as a share of the image's width from the image's left edge.

    A frontal chest image shows the patient's right at its left. `centre_x` None says that the side is not to be judged (a
    lateral view, or an image that may be mirrored).
    """

    finding: str
    centre_x: float | None = None

    @property
    def side(self) -> str:
        """The patient's side: "left", "right", or "" at the midline."""
        if self.centre_x is None or abs(self.centre_x - 0.5) <= MIDLINE:
            return ""
        return "right" if self.centre_x < 0.5 else "left"


def discordances(
    statements: Iterable[Statement] | None,
    labels: Mapping[str, LabelState],
    *,
    boxes: Sequence[BoxFact] = (),
    laterality: Mapping[str, str] = {},
    boxes_asked: Collection[str] = (),
    taxonomy: Taxonomy | str = "getdata-cxr",
) -> list[Discordance]:
    """Every disagreement about one image, in the taxonomy's order of findings.

    Args:
        statements: what `label_report` gave for the report of the image's study; None where there is no report.
        labels: the submitted states by finding key; a finding left out is not mentioned.
        boxes: the image's annotations.
        laterality: the side given with a label, by finding key: "left", "right" or "both" (or L, R, B), case ignored.
        boxes_asked: the findings for which the request wants boxes.
        taxonomy: the list that the keys belong to, by name or as it is.
    """
    columns = get_taxonomy(taxonomy) if isinstance(taxonomy, str) else taxonomy
    found = [*_label_with_label(labels, columns), *_boxes(labels, boxes, boxes_asked, columns)]
    if statements is not None:
        said = list(statements)
        found += _report_with_labels(in_taxonomy(said, taxonomy), labels, columns)
        found += _sides(in_taxonomy(said, taxonomy), said, labels, boxes, laterality, columns)
    order = {key: place for place, key in enumerate(columns.keys)}
    return sorted(found, key=lambda d: (order.get(d.finding, len(order)), d.severity, d.kind))


def _report_with_labels(
    said: Mapping[str, Statement], labels: Mapping[str, LabelState], columns: Taxonomy
) -> Iterable[Discordance]:
    normal = next((s for key, s in said.items() if columns[key].kind is FindingKind.NORMAL), None)
    for finding in columns.findings:
        label = labels.get(finding.key, LabelState.NOT_MENTIONED)
        if label is LabelState.NOT_MENTIONED:
            continue
        statement = said.get(finding.key)
        if finding.kind is FindingKind.NORMAL:
            yield from _normal_label(finding.key, finding.name, label, statement, said, columns)
        elif statement is not None:
            yield from _one(finding.key, finding.name, label, statement)
        elif label in _POSITIVE and normal is not None and finding.kind is not FindingKind.DEVICE:
            yield Discordance(
                DiscordanceKind.REPORT_NORMAL, finding.key, Severity.CONTRADICTION,
                f"The label says {finding.name} {label.plain}; the report finds nothing.", normal.start, normal.end,
            )  # fmt: skip
        elif label in _POSITIVE:
            yield Discordance(
                DiscordanceKind.REPORT_SILENT, finding.key, Severity.DOUBT,
                f"The label says {finding.name} {label.plain}; the report does not speak of it.",
            )  # fmt: skip


def _normal_label(
    key: str,
    name: str,
    label: LabelState,
    statement: Statement | None,
    said: Mapping[str, Statement],
    columns: Taxonomy,
) -> Iterable[Discordance]:
    positive = [
        (other, s)
        for other, s in said.items()
        if s.state in _POSITIVE and columns[other].kind in (FindingKind.FINDING, FindingKind.DIAGNOSIS)
    ]
    if label in _POSITIVE and positive:
        other, evidence = positive[0]
        yield Discordance(
            DiscordanceKind.REPORT_STATES, key, Severity.CONTRADICTION,
            f"The label says {name}; the report says {columns[other].name} {evidence.state.plain}.", evidence.start, evidence.end,
        )  # fmt: skip
    elif label is LabelState.ABSENT and statement is not None:
        yield Discordance(
            DiscordanceKind.REPORT_NORMAL, key, Severity.CONTRADICTION,
            f"The label says that {name} does not hold; the report finds nothing.", statement.start, statement.end,
        )  # fmt: skip


def _one(key: str, name: str, label: LabelState, statement: Statement) -> Iterable[Discordance]:
    state = statement.state
    if state is label or (state in _POSITIVE and label in _POSITIVE):
        return
    words = f"The label says {name} {label.plain}; the report says {state.plain}."
    if state is LabelState.ABSENT and label in _POSITIVE:
        kind, severity = DiscordanceKind.REPORT_DENIES, Severity.CONTRADICTION
    elif state in _POSITIVE and label is LabelState.ABSENT:
        kind, severity = DiscordanceKind.REPORT_STATES, Severity.CONTRADICTION
    elif state is LabelState.POSSIBLE:
        kind, severity = DiscordanceKind.REPORT_UNCERTAIN, Severity.DOUBT
    else:
        kind = DiscordanceKind.REPORT_DENIES if state is LabelState.ABSENT else DiscordanceKind.REPORT_STATES
        severity = Severity.DOUBT
    yield Discordance(kind, key, severity, words, statement.start, statement.end)


def _label_with_label(labels: Mapping[str, LabelState], columns: Taxonomy) -> Iterable[Discordance]:
    positive = [f for f in columns.findings if labels.get(f.key) in _POSITIVE]
    for normal in (f for f in positive if f.kind is FindingKind.NORMAL):
        for other in positive:
            if columns.excludes(normal.key, other.key):
                yield Discordance(
                    DiscordanceKind.NO_FINDING_AND_FINDING, other.key, Severity.CONTRADICTION,
                    f"{normal.name} and {other.name} are both {labels[other.key].plain}.",
                )  # fmt: skip
    for child in positive:
        for parent in columns.findings:
            above = parent.concept in ancestors(child.concept) if child.concept else parent.key in child.parents
            if above and labels.get(parent.key) is LabelState.ABSENT:
                yield Discordance(
                    DiscordanceKind.PARENT_ABSENT_CHILD_PRESENT, child.key, Severity.CONTRADICTION,
                    f"{child.name} is {labels[child.key].plain} and {parent.name}, which contains it, absent.",
                )  # fmt: skip


def _boxes(
    labels: Mapping[str, LabelState], boxes: Sequence[BoxFact], asked: Collection[str], columns: Taxonomy
) -> Iterable[Discordance]:
    boxed = {box.finding for box in boxes}
    for key in sorted(boxed):
        label = labels.get(key, LabelState.NOT_MENTIONED)
        name = columns[key].name if key in columns else key
        if label in (LabelState.ABSENT, LabelState.NOT_MENTIONED):
            denied = label is LabelState.ABSENT
            yield Discordance(
                DiscordanceKind.BOX_WITHOUT_LABEL, key, Severity.CONTRADICTION if denied else Severity.DOUBT,
                f"{name} is marked on the image and its label {'says absent' if denied else 'is missing'}.",
            )  # fmt: skip
    for key in sorted(set(asked) - boxed):
        if labels.get(key) is LabelState.PRESENT:
            name = columns[key].name if key in columns else key
            yield Discordance(
                DiscordanceKind.LABEL_WITHOUT_BOX,
                key,
                Severity.DOUBT,
                f"{name} is present and not marked on the image; boxes are asked for.",
            )


_SIDES = {"l": "left", "left": "left", "r": "right", "right": "right", "b": "both", "both": "both", "bilateral": "both"}


def _sides(
    said: Mapping[str, Statement],
    statements: Sequence[Statement],
    labels: Mapping[str, LabelState],
    boxes: Sequence[BoxFact],
    laterality: Mapping[str, str],
    columns: Taxonomy,
) -> Iterable[Discordance]:
    for key, decisive in said.items():
        spoken = [s for s in statements if s.finding == decisive.finding and s.state in _POSITIVE and s.side]
        sides = {s.side for s in spoken}
        # Only one side, said without doubt, can be contradicted by the other.
        if decisive.state not in _POSITIVE or len(sides) != 1 or "both" in sides:
            continue
        (side,) = sides
        evidence, name = spoken[0], columns[key].name
        marked = {box.side for box in boxes if box.finding == key and box.side}
        if marked and side not in marked:
            yield Discordance(
                DiscordanceKind.SIDE_DIFFERS, key, Severity.CONTRADICTION,
                f"The report says {name} on the {side}; it is marked on the patient's {marked.pop()}.", evidence.start, evidence.end,
            )  # fmt: skip
        given = _SIDES.get(laterality.get(key, "").strip().lower(), "")
        if given and given != side and labels.get(key) is not LabelState.ABSENT:
            severity = Severity.DOUBT if given == "both" else Severity.CONTRADICTION
            yield Discordance(
                DiscordanceKind.SIDE_DIFFERS, key, severity,
                f"The report says {name} on the {side}; the label says {given}.", evidence.start, evidence.end,
            )  # fmt: skip
