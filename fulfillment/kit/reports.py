"""Files of reports held against the studies of the folder: which fit, which would be withheld and why. No text is kept or shown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from deid.text.identifiers import Identifiers
from fulfillment.intake.report_files import ReportRow, read_report_file
from fulfillment.kit.labels import Images
from fulfillment.kit.settled import Settled
from fulfillment.kit.sources import Source
from fulfillment.verdict.report import (
    AMBIGUOUS,
    MOST_ORIGINALS,
    ORIGINALS_GONE,
    TWICE,
    WAITS,
    Doubt,
    identifiers_in,
    join_identifiers,
    judge_report,
    report_findings,
)

#: A file's bytes as DICOM: a picture is one by its row.
Original = Callable[[Source], bytes]
_ENDINGS = (".dcm", ".dicom", ".ima", ".DCM", "")


@dataclass
class Studies:
    """The studies of the images that fit: their files, and how a report may name them. UIDs are replaced ones."""

    files: defaultdict[str, list[Settled]] = field(default_factory=lambda: defaultdict(list))
    by_accession: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    by_name: dict[str, str] = field(default_factory=dict)
    by_stem: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    @classmethod
    def of(cls, settled: Iterable[Settled], images: Images) -> Studies:
        studies = cls()
        for one in settled:
            if not one.passed or one.source.kind != "instance":
                continue
            study = str(one.verdict["facts"].get("study_uid") or "")
            studies.files[study].append(one)
            if one.verdict["accession"]:
                studies.by_accession[one.verdict["accession"]].add(study)
            studies.by_name[images.name_digest(one.source.name)] = study
            studies.by_stem[images.stem_digest(one.source.name)].add(study)
        return studies

    def named_by(self, row: ReportRow, images: Images) -> set[str]:
        """The studies that a report names; the UID decides where there is one."""
        keyring = images.state.keyring
        if row.uid:
            uid = keyring.uid(row.uid)
            return {uid} if uid in self.files else set()
        found = set(self.by_accession.get(keyring.accession(row.accession), set())) if row.accession else set()
        if not found and row.file:
            exact = {self.by_name.get(images.name_digest(row.file + ending)) for ending in _ENDINGS} - {None}
            found = {str(one) for one in exact} or set(self.by_stem.get(images.stem_digest(row.file), set()))
        return found


@dataclass
class Reports:
    """What becomes of the reports of the folder. ``linked``: studies that have theirs; ``withheld``: by cause; ``removed``: spans by
    kind that would be taken out."""

    linked: set[str] = field(default_factory=set)
    withheld: Counter[Doubt] = field(default_factory=Counter)
    remarks: Counter[Doubt] = field(default_factory=Counter)
    removed: Counter[str] = field(default_factory=Counter)

    @property
    def total(self) -> int:
        return len(self.linked) + self.withheld.total()


def judge_reports(source: Source, studies: Studies, images: Images, reports: Reports, original: Original) -> Settled:
    """The verdict on one file of reports; what becomes of each report is added to ``reports``. ``original`` reads a file."""
    rows, problems = read_report_file(source.path.read_bytes(), source.name)
    for row in rows:
        doubt = _judge(row, studies, images, reports, original)
        if doubt is not None:
            reports.withheld[doubt] += 1
    status, reason = ("passed", "") if rows else ("rejected", "REPORTS_UNUSABLE")
    return Settled(source, status, reason, report_findings(problems))


def _judge(row: ReportRow, studies: Studies, images: Images, reports: Reports, original: Original) -> Doubt | None:
    named = studies.named_by(row, images)
    if len(named) != 1:
        return AMBIGUOUS if named else WAITS
    (study,) = named
    if study in reports.linked:
        return TWICE
    known = _identifiers(studies.files[study], original)
    if known is None:
        return ORIGINALS_GONE
    facts = [one.verdict["facts"] for one in studies.files[study][:MOST_ORIGINALS]]
    verdict = judge_report(row.text, row.language, known, facts)
    if verdict.doubt is not None:
        return verdict.doubt
    reports.linked.add(study)
    reports.removed.update(verdict.cleaned.counts)
    reports.remarks.update(verdict.remarks)
    return None


def _identifiers(files: list[Settled], original: Original) -> Identifiers | None:
    found = Identifiers()
    for one in files[:MOST_ORIGINALS]:
        try:
            join_identifiers(found, identifiers_in(original(one.source)))
        except OSError:
            return None
    return found
