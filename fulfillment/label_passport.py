"""The passport of a label: where it is on the image, which words of the report carry it, who says so, and how it came about."""

from __future__ import annotations

import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from PIL import Image as Picture

from fulfillment.label_agreement import Agreement, agreement_on
from fulfillment.labels.consensus import RULES, Verdict, settle
from fulfillment.labels.methods import Method
from fulfillment.labels.outline import box_path, mask_path, rings_path
from fulfillment.labels.reports import ENGINE_VERSION, READ_SECTIONS, Section, in_taxonomy, label_report, sections
from fulfillment.labels.statement import Statement
from fulfillment.models import Annotation, Image, Label, Report
from getdata.accounts.models import Membership, Organization, Role, User
from getdata.common import storage
from requests_app.spec import DatasetSpec
from requests_app.taxonomy import Finding, LabelState, Taxonomy

SYSTEMS = {"SCT": "SNOMED CT", "RADLEX": "RadLex", "UMLS": "UMLS", "RADELEMENT": "RadElement"}
#: Of one finding on one image: readers of a panel, and then some.
MAX_STATEMENTS = 60
MAX_MARKS = 200
MAX_HISTORY = 50
_ROLES = {
    Role.OWNER: "an owner",
    Role.SIGNATORY: "a signatory",
    Role.PRIVACY_OFFICER: "a privacy officer",
    Role.DATA_MANAGER: "a data manager",
    Role.READER: "a reader",
}
_POSITIVE = (LabelState.PRESENT, LabelState.LIKELY)


@dataclass(frozen=True)
class Mark:
    """A shape on the picture as an SVG path in pixels of the image. ``own``: of this label; others are of other statements."""

    path: str
    kind: str
    own: bool
    words: str


@dataclass(frozen=True)
class Piece:
    """A stretch of a report's text, highlighted or not; ``state`` is what a highlighted one says."""

    text: str
    marked: bool = False
    state: str = ""


@dataclass(frozen=True)
class Passage:
    """A section of a report in pieces. ``speaks``: words in it carry the finding."""

    name: str
    pieces: tuple[Piece, ...]
    speaks: bool


@dataclass(frozen=True)
class Evidence:
    """What one report of the study says of the finding; ``state`` is None where it does not speak of it."""

    report: Report
    passages: tuple[Passage, ...]
    state: LabelState | None
    agrees: bool | None
    engine: str = ENGINE_VERSION

    @property
    def speaking(self) -> list[Passage]:
        return [passage for passage in self.passages if passage.speaks]


@dataclass(frozen=True)
class Step:
    """One row of a label's history, the newest first. ``reason`` is empty for those who may not read it."""

    label: Label
    current: bool
    by: str = ""
    reason: str = ""


@dataclass(frozen=True)
class CodeRow:
    system: str
    code: str
    evidence: str


@dataclass(frozen=True)
class Passport:
    """Everything the page of one label shows to one person."""

    label: Label
    image: Image | None
    view_box: str
    marks: tuple[Mark, ...]
    marks_left_out: int
    statements: tuple[Label, ...]
    statements_left_out: int
    verdict: Verdict
    rule: str
    evidence: tuple[Evidence, ...]
    reports_elsewhere: bool
    history: tuple[Step, ...]
    finding: Finding | None
    codes: tuple[CodeRow, ...]
    previous: Label | None
    following: Label | None
    place: int
    total: int
    of_hospital: bool
    agreement: Agreement | None
    taxonomy: Taxonomy = field(repr=False)

    @property
    def own_marks(self) -> list[Mark]:
        return [mark for mark in self.marks if mark.own]

    @property
    def other_marks(self) -> list[Mark]:
        return [mark for mark in self.marks if not mark.own]


def passport_of(label: Label, user: User) -> Passport:
    """The passport as this person may see it. Ask ``Label.objects.readable_by(user)`` for the label first."""
    spec = DatasetSpec.model_validate(label.batch.spec_version.document)
    taxonomy = spec.taxonomy()
    finding = taxonomy.find(label.finding)
    image = _pictured(label, user)
    readable = Label.objects.readable_by(user)
    of_image = (
        list(
            readable.standing()
            .filter(image=label.image_id)
            .order_by("finding", "method", "reader", "row", "pk")
            .prefetch_related("annotations")
        )
        if label.image_id
        else [label]
    )
    same = [row for row in of_image if _same(row.finding, label.finding, taxonomy)]
    shown = same if label in same else [label, *same]
    marks, left_out = _marks(label, shown) if image else ((), 0)
    verdict = settle(statement(row) for row in same)
    keys = [row.pk for row in of_image]
    place = keys.index(label.pk) if label.pk in keys else -1
    mine = user.is_reviewer or _is_member(user, label.batch.fulfillment.hospital)
    evidence, elsewhere = _evidence(label, image, finding, taxonomy, user)
    return Passport(
        label=label,
        image=image,
        view_box=_view_box(image),
        marks=marks,
        marks_left_out=left_out,
        statements=tuple(shown[:MAX_STATEMENTS]),
        statements_left_out=max(0, len(shown) - MAX_STATEMENTS),
        verdict=verdict,
        rule=RULES[verdict.rule],
        evidence=evidence,
        reports_elsewhere=elsewhere,
        history=_history(label, mine),
        finding=finding,
        codes=_codes(finding),
        previous=of_image[place - 1] if place > 0 else None,
        following=of_image[place + 1] if 0 <= place < len(of_image) - 1 else None,
        place=place + 1,
        total=len(of_image),
        of_hospital=mine,
        agreement=agreement_on(label.batch, {label.finding, finding.name} if finding else {label.finding}),
        taxonomy=taxonomy,
    )


def statement(label: Label) -> Statement:
    """The row as the rules of consensus take it."""
    return Statement(
        state=LabelState(label.state),
        method=Method(label.method),
        reader=label.reader,
        readers=label.readers,
        board_certified=label.board_certified,
        blind_to_report=label.blind_to_report,
        adjudication=label.adjudication,
        is_consensus=label.is_consensus,
        laterality=label.laterality,
        source=str(label.pk),
    )


def _same(one: str, other: str, taxonomy: Taxonomy) -> bool:
    first, second = taxonomy.find(one), taxonomy.find(other)
    return one == other if first is None or second is None else first.key == second.key


def _is_member(user: User, organization: Organization) -> bool:
    return Membership.objects.filter(user=user, organization=organization).exists()


def _pictured(label: Label, user: User) -> Image | None:
    if label.image_id is None:
        return None
    images = Image.objects.visible_to(user).pictured_for(user).live().select_related("source__batch", "series__study")
    return images.filter(pk=label.image_id).first()


def _view_box(image: Image | None) -> str:
    facts: dict[str, Any] = image.facts if image else {}
    return f"0 0 {facts['columns']} {facts['rows']}" if facts.get("columns") and facts.get("rows") else ""


# --- shapes -----------------------------------------------------------------------------------------------------------


def _marks(label: Label, statements: Iterable[Label]) -> tuple[tuple[Mark, ...], int]:
    """This label's shapes first, then those of other statements that say the finding is there."""
    found: list[Mark] = []
    left_out = 0
    for row in sorted(statements, key=lambda row: row.pk != label.pk):
        for shape in row.annotations.all():
            if len(found) >= MAX_MARKS:
                left_out += 1
                continue
            path = annotation_path(shape)
            if path:
                who = row.reader or row.get_method_display()
                found.append(Mark(path, shape.kind, row.pk == label.pk, f"{shape.get_kind_display()}, {who}"))
    return tuple(found), left_out


def annotation_path(shape: Annotation) -> str:
    """The shape as an SVG path; a mask that cannot be read is shown by its box."""
    match shape.kind:
        case "polygon":
            return rings_path(shape.points) or box_path(shape.box)
        case "mask":
            return mask_path(_mask(shape)) or box_path(shape.box)
        case _:
            return box_path(shape.box)


def _mask(shape: Annotation) -> Any:
    store = storage.released()
    if not store.exists(shape.mask):
        return np.zeros((1, 1), dtype=np.uint8)
    with Picture.open(io.BytesIO(storage.get(store, shape.mask))) as picture:
        return np.asarray(picture.convert("L"))


# --- the report -------------------------------------------------------------------------------------------------------


def _evidence(
    label: Label, image: Image | None, finding: Finding | None, taxonomy: Taxonomy, user: User
) -> tuple[tuple[Evidence, ...], bool]:
    """The study's reports that this person may read, and whether there are any at all."""
    if label.image_id is None or finding is None:
        return (), False
    study = (
        image.series.study_id if image else Image.objects.values_list("series__study", flat=True).get(pk=label.image_id)
    )
    linked = Report.objects.linked().filter(study=study)
    readable = list(linked.readable_by(user).order_by("source", "row")[:5])
    return tuple(_of_report(report, label, finding, taxonomy) for report in readable), linked.exists()


def _of_report(report: Report, label: Label, finding: Finding, taxonomy: Taxonomy) -> Evidence:
    said = label_report(report.text)
    ours = [one for one in said if finding.key in in_taxonomy([one], taxonomy)]
    decisive = in_taxonomy(said, taxonomy).get(finding.key)
    state = decisive.state if decisive else None
    spans = [(one.start, one.end, one.state.value) for one in ours]
    parts = sections(report.text) or [Section("body", 0, len(report.text))]
    passages = tuple(passage(report.text, part, spans) for part in parts)
    return Evidence(report, passages, state, _agree(LabelState(label.state), state))


def _agree(label: LabelState, report: LabelState | None) -> bool | None:
    """Whether both point the same way; None where one of them does not say."""
    if report is None or LabelState.NOT_MENTIONED in (label, report) or LabelState.POSSIBLE in (label, report):
        return None
    return (label in _POSITIVE) == (report in _POSITIVE)


def passage(text: str, part: Section, spans: Sequence[tuple[int, int, str]]) -> Passage:
    """One section of ``text`` in pieces; ``spans`` (start, end, state) may overlap, and what lies in none is plain."""
    pieces: list[Piece] = []
    at = part.start
    for start, end, state in sorted(spans):
        start, end = max(start, at), min(end, part.end)
        if start >= end:
            continue
        if start > at:
            pieces.append(Piece(text[at:start]))
        pieces.append(Piece(text[start:end], True, state))
        at = end
    if at < part.end:
        pieces.append(Piece(text[at : part.end]))
    speaks = any(piece.marked for piece in pieces)
    return Passage(section_title(part.name), tuple(pieces), speaks)


def section_title(name: str) -> str:
    """A section's name for a page; a report without headers is one body."""
    if name == "body":
        return "Text"
    return name.replace("_", " ").capitalize() + ("" if name in READ_SECTIONS else " (not read for findings)")


# --- history and codes ------------------------------------------------------------------------------------------------


def _history(label: Label, with_reasons: bool) -> tuple[Step, ...]:
    chain = [label]
    while len(chain) < MAX_HISTORY and (newer := Label.objects.filter(supersedes=chain[0]).first()):
        chain.insert(0, newer)
    while len(chain) < MAX_HISTORY and (older := chain[-1].supersedes) is not None:
        chain.append(older)
    return tuple(Step(row, row.pk == label.pk, _by(row), row.reason if with_reasons else "") for row in chain)


def _by(row: Label) -> str:
    """Who entered the row, by role: names of people are nobody's business here."""
    if row.entered_by is None:
        return ""
    role = Membership.objects.filter(user=row.entered_by, organization=row.batch.fulfillment.hospital).first()
    if role is not None:
        return f"{_ROLES[Role(role.role)]} of the hospital"
    return "GetDATA staff" if row.entered_by.is_reviewer else "a former member of the hospital"


def _codes(finding: Finding | None) -> tuple[CodeRow, ...]:
    if finding is None:
        return ()
    return tuple(
        CodeRow(SYSTEMS.get(code.system, code.system), code.code, code.evidence)
        for code in finding.codes
        if code.usable
    )
