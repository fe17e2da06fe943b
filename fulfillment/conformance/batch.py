"""Counting a delivery: quotas, minimums, maximums and shares over many images.

**Every** (the default): an image counts in every line that it matches. Lines overlap as sets of images do; a female
patient's supine AP image with pneumothorax counts for "female", for "AP supine" and for "pneumothorax" at once.

**Once** (`quota_counting: "once"`): among the quotas an image counts in one only, a study in one of those counted in
studies, a patient in one of those counted in patients. Who goes where is a maximum flow (see `allocate`), so no quota is
left short that another allocation would fill. Totals, projections and findings still count every image that matches.

Both ways a patient (or study) counts once in a line, however many of their images match; the result does not depend on
the order in which images come; adding an image never lowers a count; beyond a line's maximum the rest is surplus. Pass
only images that were accepted; refused ones fill nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from fulfillment.conformance.allocate import Places, allocate
from fulfillment.conformance.classify import Classifier
from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.finding import Finding, Severity
from fulfillment.conformance.labelled import lack_words
from fulfillment.conformance.match import LabelReader, matcher, reports_bind
from requests_app.spec.arithmetic import Demand, demands
from requests_app.spec.document import DatasetSpec
from requests_app.spec.lines import ShareCap
from requests_app.spec.selector import Selector
from requests_app.spec.vocabulary import CountUnit, Level, QuotaCounting, ReportLinkage, ShareAxis
from requests_app.spec.wording import describe_selector, plural

UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class CellProgress:
    """How far one counted line is filled. `kind` is total, projection, finding or cell.

    needed: the minimum asked; maximum: None if there is none; received: images (patients, studies) that
    match; remaining: still needed; surplus: beyond the maximum.
    """

    check_id: str
    kind: str
    path: str
    text: str
    unit: str
    level: str
    needed: int
    maximum: int | None
    received: int
    remaining: int
    surplus: int

    @property
    def fraction(self) -> float:
        """Share of the need that is met, 0 to 1; 1 where nothing is needed."""
        return 1.0 if self.needed == 0 else min(1.0, self.received / self.needed)

    @property
    def met(self) -> bool:
        return self.remaining == 0 and self.surplus == 0

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def fill_quotas(
    facts: Iterable[ImageFacts], spec: DatasetSpec, *, held: Mapping[str, int] | None = None
) -> list[CellProgress]:
    """Progress of every counted line, in document order. The module's text gives the allocation rule.

    ``held`` is what lines were told to have before, by check id: where a patient or study may fill one quota only, none
    of it is taken away for another line.
    """
    asked = demands(spec)
    progress = []
    for demand, received in zip(asked, _received(facts, spec, asked, held or {}), strict=True):
        progress.append(
            CellProgress(
                check_id=demand.check_id,
                kind=demand.kind,
                path=demand.path,
                text=demand.text,
                unit=demand.unit.value,
                level=demand.level.value,
                needed=demand.min,
                maximum=demand.max,
                received=received,
                remaining=max(0, demand.min - received),
                surplus=0 if demand.max is None else max(0, received - demand.max),
            )
        )
    return progress


def _received(
    facts: Iterable[ImageFacts], spec: DatasetSpec, asked: list[Demand], held: Mapping[str, int]
) -> list[int]:
    """How many images (patients, studies) fill each line."""
    received = [0] * len(asked)
    for unit, supply in _supplies(facts, spec, asked).items():
        own = [index for index, demand in enumerate(asked) if demand.unit is unit]
        once = [index for index in own if spec.quota_counting is QuotaCounting.ONCE and asked[index].kind == "cell"]
        for index in own:
            received[index] = sum(count for lines, count in supply.items() if lines >> index & 1)
        if once:
            places = [Places(asked[i].min, asked[i].max, asked[i].level is Level.MUST) for i in once]
            before = [held.get(asked[i].check_id, 0) for i in once]
            for index, count in zip(once, allocate(_narrowed(supply, once), places, before), strict=True):
                received[index] = count
    return received


def _supplies(facts: Iterable[ImageFacts], spec: DatasetSpec, asked: list[Demand]) -> dict[CountUnit, dict[int, int]]:
    """For each unit that is counted: a set of lines, as bits, and how many things match exactly those."""
    classifier = Classifier(spec, [demand.selector for demand in asked])
    images: Counter[int] = Counter()
    patients: defaultdict[str, int] = defaultdict(int)
    studies: defaultdict[str, int] = defaultdict(int)
    for image in facts:
        lines = classifier.lines(image)
        images[lines] += 1
        # An image that names no patient (or study) cannot be counted among them.
        if image.patient:
            patients[image.patient] |= lines
        if image.study_uid:
            studies[image.study_uid] |= lines
    return {
        CountUnit.IMAGES: dict(images),
        CountUnit.PATIENTS: dict(Counter(patients.values())),
        CountUnit.STUDIES: dict(Counter(studies.values())),
    }


def _narrowed(supply: Mapping[int, int], lines: list[int]) -> dict[int, int]:
    """The supply as seen by some lines only, numbered anew in their order."""
    found: Counter[int] = Counter()
    for matched, count in supply.items():
        found[sum(1 << place for place, line in enumerate(lines) if matched >> line & 1)] += count
    return dict(found)


def check_batch(facts: Iterable[ImageFacts], spec: DatasetSpec) -> list[Finding]:
    """Remarks on a delivery as a whole: counts that are short or over, shares, patients, repeats.

    For a single batch of many, COUNT_SHORT only says what is still open; over a whole fulfilment a "must"
    among the remarks means it does not meet the request yet.
    """
    images = list(facts)
    return [
        *_counts(images, spec),
        *_labels(images, spec),
        *_reports(images, spec),
        *_per_patient(images, spec),
        *(finding for cap in spec.share_caps for finding in _share(images, cap, spec)),
        *_identity(images),
    ]


def _counts(images: list[ImageFacts], spec: DatasetSpec) -> Iterator[Finding]:
    for line in fill_quotas(images, spec):
        severity: Severity = "must" if line.level == "must" else "should"
        if line.remaining:
            yield Finding(
                "COUNT_SHORT",
                severity,
                line.check_id,
                "",
                f"{line.text}: {line.received:,} of {plural(line.needed, line.unit)} received.",
                f"Still useful: {plural(line.remaining, line.unit)}.",
            )
        if line.surplus:
            yield Finding(
                "COUNT_OVER",
                severity,
                line.check_id,
                "",
                f"{line.text}: {line.received:,} {line.unit} received, at most {line.maximum:,} are wanted.",
                f"Leave out {plural(line.surplus, line.unit)}.",
            )


def _labels(images: list[ImageFacts], spec: DatasetSpec) -> Iterator[Finding]:
    """Labels that came and do not count, by finding and by what they lack."""
    reader = LabelReader(spec)
    for line in spec.labels.findings:
        lacks = Counter(reader.weigh(image, line.finding).lack for image in images)
        del lacks[""]
        for lack, count in sorted(lacks.items()):
            words, remedy = lack_words(lack, line)
            yield Finding(
                f"LABEL_{lack}",
                line.level.value,
                line.check_id,
                "",
                f"{plural(count, 'images')} {words}: not counted for it.",
                remedy,
            )


def _reports(images: list[ImageFacts], spec: DatasetSpec) -> Iterator[Finding]:
    missing = sum(image.report_linked is False for image in images)
    if missing and spec.reports.linkage is ReportLinkage.REQUIRED:
        yield Finding(
            "REPORTS_MISSING",
            spec.reports.level.value,
            spec.reports.check_id,
            "",
            f"{plural(missing, 'images')} without the report of their study"
            + (": not counted." if reports_bind(spec) else "."),
            "Send the reports of these studies, or leave the studies out.",
        )


def _per_patient(images: list[ImageFacts], spec: DatasetSpec) -> Iterator[Finding]:
    line = spec.cohort.per_patient
    if line is None:
        return
    counts = Counter(image.patient for image in images if image.patient)
    over = [count for count in counts.values() if count > line.max]
    if over:
        yield Finding(
            "PER_PATIENT_OVER",
            line.level.value,
            line.check_id,
            "PatientID",
            f"{plural(len(over), 'patients')} with more than {plural(line.max, 'images')} each ({max(over)} at most).",
            f"Leave out {plural(sum(over) - line.max * len(over), 'images')} of them.",
        )


def _axis_value(image: ImageFacts, axis: ShareAxis) -> str | None:
    return {
        ShareAxis.SITE: image.site,
        ShareAxis.SCANNER: image.scanner,
        ShareAxis.VENDOR: image.vendor,
        ShareAxis.SEX: image.sex,
        ShareAxis.VIEW: image.view,
        ShareAxis.PATIENT: image.patient,
    }[axis]


def share_basis(spec: DatasetSpec, within: Selector, received: int) -> int:
    """What a share is a share of: the larger of what came and what the request asks for of that selection.

    So the first hospital to deliver is not refused for being alone, and cannot fill more than its share.
    """
    asked = [demand.min for demand in demands(spec) if demand.selector == within and demand.unit is CountUnit.IMAGES]
    return max([received, *asked])


def _share(images: list[ImageFacts], cap: ShareCap, spec: DatasetSpec) -> Iterator[Finding]:
    among_these = matcher(cap.within, spec)
    selected = [image for image in images if among_these(image)]
    if not selected:
        return
    tag = {
        ShareAxis.SCANNER: "ManufacturerModelName",
        ShareAxis.VENDOR: "Manufacturer",
        ShareAxis.SEX: "PatientSex",
        ShareAxis.VIEW: "ViewPosition",
        ShareAxis.PATIENT: "PatientID",
    }.get(cap.axis, "")
    counts: dict[str, int] = defaultdict(int)
    for image in selected:
        counts[_axis_value(image, cap.axis) or UNKNOWN] += 1
    if cap.axis is ShareAxis.SITE and set(counts) == {UNKNOWN}:
        yield Finding(
            "SHARE_NOT_ASSESSED",
            "info",
            cap.check_id,
            "",
            "The share of each hospital was not assessed, as the images do not say where they come from.",
            "Nothing to do: the portal knows the hospital once the batch is received.",
        )
        return
    basis = share_basis(spec, cap.within, len(selected))
    allowed = int(basis * cap.max_percent / 100 + 1e-9)
    over = {value: count for value, count in counts.items() if count > allowed}
    among = describe_selector(cap.within)
    for count in sorted(over.values(), reverse=True):
        unknown = over.get(UNKNOWN) == count
        source = f"images whose {cap.axis.plain} is not known" if unknown else f"one {cap.axis.plain}"
        yield Finding(
            "SHARE_OVER_CAP",
            cap.level.value,
            cap.check_id,
            tag,
            f"{count:,} of {basis:,} ({100 * count / basis:.1f} %) come from {source} "
            f"({among}); at most {cap.max_percent:g} % may.",
            f"Fill in {tag} where it is known."
            if unknown and tag
            else f"Leave out {plural(count - allowed, 'images')}, or wait for others to deliver.",
        )


def _identity(images: list[ImageFacts]) -> Iterator[Finding]:
    repeats = Counter(image.sop_instance_uid for image in images if image.sop_instance_uid)
    extra = sum(count - 1 for count in repeats.values())
    if extra:
        yield Finding(
            "INSTANCE_REPEATED",
            "must",
            "",
            "SOPInstanceUID",
            f"{plural(extra, 'images')} came with a SOPInstanceUID that another image has.",
            "Send each image once; two different images must not share a SOPInstanceUID.",
        )
    sexes: dict[str, set[str]] = defaultdict(set)
    for image in images:
        if image.patient and image.sex:
            sexes[image.patient].add(image.sex)
    mixed = sum(len(found) > 1 for found in sexes.values())
    if mixed:
        yield Finding(
            "PATIENT_CONTRADICTS",
            "should",
            "",
            "PatientSex",
            f"{plural(mixed, 'patients')} appear with two sexes, so two people may share one PatientID.",
            "Check the PatientID of these studies at the source.",
        )
