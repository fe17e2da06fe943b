"""What is counted over the images of a release while they pass by, for every document that says a number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from fulfillment.labels.methods import read_method
from fulfillment.release.facts import ReleasedImage

NOT_STATED = "not stated"
#: Years of age from and below which, as documents group them.
_BANDS = ((0, 18), (18, 40), (40, 60), (60, 80), (80, 200))


@dataclass
class Survey:
    """Counts of images unless a name says otherwise. ``readers`` are the pseudonyms behind a way of labelling."""

    images: int = 0
    bytes: int = 0
    labels: int = 0
    patients: set[str] = field(default_factory=set)
    sites: Counter[str] = field(default_factory=Counter)
    views: Counter[str] = field(default_factory=Counter)
    sexes: Counter[str] = field(default_factory=Counter)
    ages: Counter[str] = field(default_factory=Counter)
    makers: Counter[str] = field(default_factory=Counter)
    devices: Counter[str] = field(default_factory=Counter)
    years: Counter[str] = field(default_factory=Counter)
    states: Counter[tuple[str, str]] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    marked: Counter[str] = field(default_factory=Counter)
    readers: dict[str, set[str]] = field(default_factory=dict)
    labelled: int = 0
    tools: Counter[str] = field(default_factory=Counter)
    masks: int = 0
    masked: int = 0
    quality: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    engines: set[str] = field(default_factory=set)
    deid_tables: set[str] = field(default_factory=set)
    policies: set[str] = field(default_factory=set)

    def add(self, image: ReleasedImage) -> None:
        facts = image.facts
        self.images += 1
        self.bytes += image.size
        self.patients.add(f"{image.site} {image.patient_id}")  # pseudonyms are a hospital's own
        self.sites[image.site] += 1
        self.views[_plain(facts.get("view"))] += 1
        self.sexes[_plain(facts.get("sex"))] += 1
        self.ages[_band(facts.get("age_years"))] += 1
        maker = _plain(facts.get("vendor") or facts.get("manufacturer"))
        self.makers[maker] += 1
        self.devices[maker if not facts.get("model") else f"{maker} {_plain(facts['model'])}"] += 1
        self.years[_plain(facts.get("acquisition_year"))] += 1
        self.masks += image.masks
        self.masked += bool(image.masks)
        self.quality[_ten(image.quality_total)] += 1
        self.actions.update({key: int(count) for key, count in dict(image.deid.get("actions", {})).items()})
        for found, key in ((self.engines, "engine"), (self.deid_tables, "table"), (self.policies, "policy")):
            found.add(str(image.deid.get(key, "")))
        self.labelled += bool(image.labels)
        for label in image.labels:
            method = read_method(label.source)[0].plain if label.source else "not said"
            self.labels += 1
            self.states[label.finding, label.state] += 1
            self.methods[method] += 1
            self.marked[method] += bool(label.marks)
            self.readers.setdefault(method, set()).update({label.reader} - {""})
            if label.tool:
                self.tools[" ".join(f"{label.tool} {label.tool_version}".split())] += 1

    def missing(self) -> dict[str, int]:
        """How many images lack what is most asked for."""
        axes = {"view": self.views, "sex": self.sexes, "age": self.ages, "device maker": self.makers}
        return {name: counts[NOT_STATED] for name, counts in axes.items()}

    def findings(self) -> dict[str, dict[str, int]]:
        """Finding -> state -> labels."""
        found: dict[str, dict[str, int]] = {}
        for (finding, state), count in sorted(self.states.items()):
            found.setdefault(finding, {})[state] = count
        return found


def _plain(value: Any) -> str:
    """One line without what would break a table."""
    return " ".join(str(value).replace("|", "/").split()) if value not in (None, "") else NOT_STATED


def _band(age: Any) -> str:
    if isinstance(age, bool) or not isinstance(age, int | float):
        return NOT_STATED
    low, high = next(((low, high) for low, high in _BANDS if age < high), _BANDS[-1])
    return f"{low} and over" if high == _BANDS[-1][1] else f"{low} to {high - 1}"


def _ten(total: float | None) -> str:
    if total is None:
        return "not scored"
    low = min(9, max(0, int(total // 10))) * 10
    return f"{low} to {low + 10 if low == 90 else low + 9}"


def table(title: str, counts: Counter[str], unit: str = "Images") -> str:
    """The counts as a Markdown table, the most first."""
    ordered = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))
    rows = "\n".join(f"| {value} | {count} |" for value, count in ordered)
    return f"| {title} | {unit} |\n|---|---:|\n{rows}\n"


def counted(number: int, noun: str) -> str:
    """``1 image``, ``2 images``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
