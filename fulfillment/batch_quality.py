"""The quality of one batch: read in a fixed number of queries over slim rows, whatever the number of images."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Count
from django.db.models.fields.json import KeyTextTransform

from fulfillment.models import Batch, Image, Label, QualityScore
from fulfillment.quality.completeness import SHAPES_THAT_SERVE, counts_as_stated
from fulfillment.quality.overview import (
    EDGES,
    Device,
    Raise,
    Scored,
    Spread,
    below,
    by_device,
    counts,
    device_key,
    raise_key,
    raises,
    spread,
    worst_first,
)
from fulfillment.quality.truth import NOT_ASSESSED
from fulfillment.quality.words import BY_NAME
from getdata.common.charts import Chart, histogram
from requests_app.spec import AnnotationType, DatasetSpec, QualityComponent
from requests_app.taxonomy import LabelState

COMPONENTS: tuple[str, ...] = tuple(component.value for component in QualityComponent)
#: Remarks that are not about one picture's quality are shown after these.
_FIRST = {"must": 0, "should": 1, "info": 2}


@dataclass(frozen=True)
class ComponentRow:
    """One component over the batch: its words, spread, histogram, and the request's minimum if there is one."""

    name: str
    spread: Spread
    chart: Chart
    minimum: float | None
    level: str
    short: int

    @property
    def words(self) -> Any:
        return BY_NAME.get(self.name)


@dataclass(frozen=True)
class Group:
    """Images that share a cause. ``kind`` orders them on the page; ``remedy`` may be empty for a remark."""

    key: str
    kind: str
    title: str
    remedy: str
    images: int


class BatchQuality:
    """Everything the page of one batch shows. Each part is worked out when it is asked for, and once."""

    def __init__(self, batch: Batch) -> None:
        self.batch = batch
        self.spec = DatasetSpec.model_validate(batch.spec_version.document)

    @cached_property
    def images(self) -> int:
        return Image.objects.live().filter(source__batch=self.batch).count()

    @cached_property
    def rows(self) -> list[Scored]:
        """The newest score of each image, by file number."""
        found: dict[object, Scored] = {}
        for row in _newest(self.batch):
            found[row.key] = row
        labels = label_scores(self.batch, self.spec)
        rows = (replace(row, labels=labels.get(row.key, 0.0)) if labels is not None else row for row in found.values())
        return sorted(rows, key=lambda row: row.number)

    @cached_property
    def total(self) -> Spread:
        return spread(row.total for row in self.rows)

    @property
    def middle_half(self) -> str:
        """Where half of the images lie, in words."""
        if self.total.low is None or self.total.high is None:
            return ""
        return f"half of the images lie between {self.total.low:.0f} and {self.total.high:.0f}"

    @cached_property
    def total_chart(self) -> Chart:
        least = self.spec.quality.total.min if self.spec.quality.total else None
        return _chart("Quality score", (row.total for row in self.rows), least)

    @cached_property
    def header(self) -> Spread:
        return spread(row.header for row in self.rows)

    @cached_property
    def labels(self) -> Spread:
        return spread(row.labels for row in self.rows)

    @cached_property
    def measured(self) -> tuple[str, ...]:
        """The components that any image of the batch has, in the order of the documents."""
        there = {name for row in self.rows for name in row.components}
        return tuple(name for name in COMPONENTS if name in there)

    @cached_property
    def components(self) -> list[ComponentRow]:
        asked = {line.component.value: line for line in self.spec.quality.components}
        found = []
        for name in self.measured:
            values = [row.components.get(name) for row in self.rows]
            line = asked.get(name)
            least = line.min if line else None
            found.append(
                ComponentRow(
                    name=name,
                    spread=spread(values),
                    chart=_chart(name.capitalize(), values, least),
                    minimum=least,
                    level=line.level.value if line else "",
                    short=len(below(self.rows, name, least)) if least is not None else 0,
                )
            )
        return found

    @cached_property
    def raises(self) -> list[Raise]:
        return raises(self.rows)

    @cached_property
    def devices(self) -> list[Device]:
        return by_device(self.rows, self.measured)

    @property
    def device_rows(self) -> list[dict[str, Any]]:
        """The devices with their medians in the order of ``measured``."""
        return [
            {"device": device, "values": [device.components[name] for name in self.measured]} for device in self.devices
        ]

    @cached_property
    def remarks(self) -> dict[str, tuple[dict[str, Any], set[object]]]:
        """code -> (a finding with it, the images that have it): gates, truth, conformance and the request's minimums."""
        found: dict[str, tuple[dict[str, Any], set[object]]] = {}
        noted = Image.objects.live().filter(source__batch=self.batch).exclude(findings=[]).order_by("source__number")
        for key, findings in noted.values_list("pk", "findings"):
            for finding in findings:
                if code := str(finding.get("code", "")):
                    found.setdefault(code, (finding, set()))[1].add(key)
        return found

    @cached_property
    def groups(self) -> list[Group]:
        """Images by cause, each with its remedy: failed gates, remarks, minimums that are missed, then the weakest component."""
        found = [
            Group(f"gate:{reason}", "gate", "A gate refused: " + reason.replace("_", " ").lower(), remedy, number)
            for (reason, remedy), number in _gates(self.rows).items()
        ]
        remarks = sorted(self.remarks.items(), key=lambda item: (_order(item[1][0]), -len(item[1][1]), item[0]))
        for code, (finding, images) in remarks:
            if not code.startswith("QUALITY_"):  # those are the minimums below
                title = str(finding.get("message", "")) or code
                found.append(Group(f"remark:{code}", "remark", title, str(finding.get("remedy", "")), len(images)))
        for row in self.components:
            if row.minimum is not None and row.short:
                title = f"{row.name.capitalize()} below the {row.minimum:g} that the request asks for"
                found.append(Group(f"below:{row.name}", "below", title, row.words.cure if row.words else "", row.short))
        weakest = Counter(row.weakest for row in self.rows if row.weakest and row.gate)
        for name, number in weakest.most_common():
            cure = BY_NAME[name].cure if name in BY_NAME else ""
            found.append(Group(f"weakest:{name}", "weakest", f"{name.capitalize()} is the weakest", cure, number))
        return found

    def chosen(self, key: str) -> tuple[str, str, list[Scored]]:
        """(title, remedy, images worst first) of a group's key; all images, and no title, for one that is not known."""
        kind, _, value = key.partition(":")
        match kind:
            case "raise":
                for item in self.raises:
                    if item.key == key:
                        return (
                            item.remedy[:1].upper() + item.remedy[1:],
                            "",
                            worst_first(self.rows, lambda r: raise_key(r) == key),
                        )
            case "device":
                for device in self.devices:
                    if device.key == key:
                        name = f"{device.vendor or 'Maker not stated'}, {device.model or 'model not stated'}"
                        return name, "", worst_first(self.rows, lambda r: device_key(r) == key)
            case _:
                for group in self.groups:
                    if group.key == key:
                        return group.title, group.remedy, worst_first(self.rows, self._belongs(kind, value))
        return "", "", worst_first(self.rows)

    def _belongs(self, kind: str, value: str) -> Any:
        if kind == "gate":
            return lambda row: not row.gate and row.gate_reason == value
        if kind == "remark":
            images = self.remarks[value][1]
            return lambda row: row.key in images
        if kind == "below":
            least = next(line.min for line in self.spec.quality.components if line.component.value == value)
            short = {row.key for row in below(self.rows, value, least)}
            return lambda row: row.key in short
        return lambda row: row.gate and row.weakest == value

    @cached_property
    def versions(self) -> list[tuple[str, int]]:
        return Counter(row.version for row in self.rows).most_common()

    @cached_property
    def not_assessed(self) -> list[str]:
        """What the figures do not say, in words."""
        said = [f"No image was assessed for {_listed(NOT_ASSESSED)}."]
        here = Image.objects.live().filter(source__batch=self.batch)
        if unseen := self.images - here.filter(truth__assessed=True).count():
            said.append(f"{_images(unseen)} not held against the header (view, polarity, rotation).")
        if unscored := self.images - len(self.rows):
            said.append(f"{_images(unscored)} not scored.")
        for name in COMPONENTS:
            if self.rows and (without := sum(name not in row.components for row in self.rows)):
                said.append(f"{name.capitalize()} was not measured on {without:,} of {len(self.rows):,} images.")
        if without := sum(row.header is None for row in self.rows):
            said.append(f"The header's completeness was not kept for {without:,} of {len(self.rows):,} images.")
        if not self.spec.labels.findings:
            said.append("The request asks for no labels, so their completeness is not judged.")
        if len(self.versions) > 1:
            names = _listed([f"{version} ({number:,})" for version, number in self.versions])
            said.append(f"Scores come from {names}; they are not compared across versions.")
        return said


def _newest(batch: Batch) -> Iterable[Scored]:
    scores = QualityScore.objects.filter(image__source__batch=batch, image__source__status="passed").order_by(
        "created_at"
    )
    slim = scores.values_list(
        "image_id",
        "image__source__number",
        "version",
        "gate",
        "gate_reason",
        "total",
        "components",
        "weakest",
        "remedy",
        "gain",
        "completeness__score",
        KeyTextTransform("vendor", "image__facts"),
        KeyTextTransform("model", "image__facts"),
    )
    for key, number, version, gate, reason, total, components, weakest, remedy, gain, header, vendor, model in slim:
        yield Scored(
            key=key,
            number=number,
            version=version,
            gate=gate,
            gate_reason=reason,
            total=total,
            components=components,
            weakest=weakest,
            remedy=remedy,
            gain=gain,
            header=header,
            device=(_text(vendor), _text(model)),
        )


def _text(value: str | None) -> str:
    """A text out of JSON; SQLite hands a JSON null over as the word."""
    return "" if value in (None, "null") else str(value)


def label_scores(batch: Batch, spec: DatasetSpec) -> dict[object, float] | None:
    """Label completeness by image, counted in the database; None where the request asks for no labels.

    The same rule as ``label_completeness``; an image that is not in the mapping has 0.
    """
    asked = [(_name(spec, line.finding), line.annotation) for line in spec.labels.findings]
    if not asked:
        return None
    stated = [state.value for state in LabelState if counts_as_stated(state, spec)]
    labels = Label.objects.standing().filter(image__source__batch=batch, image__source__status="passed")
    met = _counted(labels.filter(finding__in=[name for name, _ in asked], state__in=stated))
    needed: Counter[object] = Counter()
    there = labels.filter(state__in=[LabelState.PRESENT.value, LabelState.LIKELY.value])
    for kinds in {SHAPES_THAT_SERVE[kind] for _, kind in asked if kind is not AnnotationType.IMAGE}:
        names = [name for name, kind in asked if SHAPES_THAT_SERVE.get(kind) == kinds]
        needed += _counted(there.filter(finding__in=names))
        met += _counted(there.filter(finding__in=names, annotations__kind__in=kinds))
    return {key: round(100 * number / (len(asked) + needed[key]), 1) for key, number in met.items()}


def _name(spec: DatasetSpec, finding: str) -> str:
    known = spec.taxonomy().find(finding)
    return known.name if known is not None else finding


def _counted(labels: Any) -> Counter[object]:
    pairs = labels.order_by().values_list("image_id").annotate(n=Count("finding", distinct=True))
    return Counter(dict(pairs))


def _gates(rows: Sequence[Scored]) -> dict[tuple[str, str], int]:
    failed = [row for row in rows if not row.gate]
    remedies = {row.gate_reason: row.remedy for row in reversed(failed)}
    return {(reason, remedies[reason]): n for reason, n in Counter(row.gate_reason for row in failed).most_common()}


def _order(finding: dict[str, Any]) -> int:
    return _FIRST.get(str(finding.get("severity")), 3)


def _chart(title: str, values: Iterable[float | None], least: float | None) -> Chart:
    return histogram(EDGES, counts(values), title=title, of="images", mark=least, mark_label="asked")


def _images(number: int) -> str:
    return f"{number:,} image{' was' if number == 1 else 's were'}"


def _listed(names: Sequence[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last
