"""Counting a folder from headers alone: how many images and patients meet each line of a request, or of what kinds there are.

What a report or a table says is not in a header, so lines about a finding are not counted. Nothing of a patient leaves the
process that reads a header but a keyed fingerprint.
"""

from __future__ import annotations

import hashlib
import hmac
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pydicom
from pydicom.errors import InvalidDicomError

from fulfillment.conformance import ImageFacts, check_image, fill_quotas
from fulfillment.conformance.read import read_facts
from fulfillment.kit.folder import HEAD
from fulfillment.verdict.kinds import kind_of
from requests_app.feasibility import Count, Equation, count_lines, equations, suppress
from requests_app.spec import DatasetSpec, demands

#: More than any header of a radiograph: what is longer is not read for a count.
_LONGEST_HEADER = 4 * 1024 * 1024
_AGE_BANDS = ((0, 17), (18, 39), (40, 59), (60, 79), (80, 200))


@dataclass(frozen=True)
class Header:
    """What one file is for a count: ``kind`` is instance, archive, table or unreadable. Identity is replaced by fingerprints."""

    kind: str
    facts: ImageFacts | None = None


@dataclass(frozen=True)
class ReadHeader:
    """For processes: reads one header. ``key`` makes the fingerprints and is thrown away."""

    folder: Path = field(repr=False)
    key: bytes = field(repr=False)

    def __call__(self, name: str) -> Header:
        path = self.folder / name
        try:
            with path.open("rb") as stream:
                kind = kind_of(stream.read(HEAD), name)
            if kind != "instance":
                return Header("archive" if kind == "archive" else "table")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return Header(
                    "instance", self._facts(pydicom.dcmread(path, stop_before_pixels=True, defer_size=_LONGEST_HEADER))
                )
        except (OSError, InvalidDicomError, ValueError, TypeError, AttributeError, RecursionError, EOFError, KeyError):
            return Header("unreadable")

    def _facts(self, dataset: pydicom.Dataset) -> ImageFacts:
        facts = read_facts(dataset)
        issuer = str(dataset.get("IssuerOfPatientID", "") or "")
        return replace(
            facts,
            patient=self._print(f"{issuer}\0{facts.patient}") if facts.patient else None,
            sop_instance_uid=self._print(facts.sop_instance_uid),
            study_uid=self._print(facts.study_uid),
            series_uid=None,
        )

    def _print(self, value: str | None) -> str | None:
        return hmac.new(self.key, value.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24] if value else None


@dataclass
class Tally:
    """What came of the files: images once each, and what could not be counted."""

    images: list[ImageFacts] = field(default_factory=list)
    twice: int = 0
    archives: int = 0
    others: int = 0
    _seen: set[str] = field(default_factory=set)

    def add(self, header: Header | None) -> None:
        facts = header.facts if header is not None else None
        if facts is None:
            self.archives += header is not None and header.kind == "archive"
            self.others += header is None or header.kind != "archive"
        elif facts.sop_instance_uid and facts.sop_instance_uid in self._seen:
            self.twice += 1
        else:
            self._seen.add(facts.sop_instance_uid or "")
            self.images.append(facts)


def count_for(images: Iterable[ImageFacts], spec: DatasetSpec, *, site: str = "") -> dict[str, Count]:
    """Counts by check id, small cells suppressed: of images that the request does not refuse by their header."""
    fitting = [
        facts.with_context(site=site or None)
        for facts in images
        if not any(finding.severity == "must" for finding in check_image(facts, spec))
    ]
    told = {demand.check_id: demand for demand in demands(spec)}
    counts: dict[str, Count] = {
        line.check_id: line.received
        for line in fill_quotas(fitting, spec)
        if told[line.check_id].selector.finding is None and (site or told[line.check_id].selector.site is None)
    }
    counts["cohort.images"] = len(fitting)
    counts["cohort.patients"] = len({facts.patient for facts in fitting if facts.patient})
    known = {line.check_id for line in count_lines(spec)}
    return suppress({key: count for key, count in counts.items() if key in known}, equations(spec))


@dataclass(frozen=True)
class ProfileLine:
    """One line of a folder's profile: ``key`` such as ``view.PA``, and its words."""

    key: str
    words: str
    count: Count


def profile(images: Sequence[ImageFacts]) -> list[ProfileLine]:
    """What kinds of image a folder holds, by projection, sex, age and maker, small cells suppressed."""
    words = {"images": "All images", "patients": "All patients"}
    counts: dict[str, Count] = {
        "images": len(images),
        "patients": len({facts.patient for facts in images if facts.patient}),
    }
    sums = []
    for name, title in (("view", "Projection"), ("sex", "Sex"), ("age", "Age"), ("vendor", "Maker")):
        cells = Counter(_cell(facts, name) for facts in images)
        keys = [f"{name}.{cell}" for cell in cells]
        counts |= {f"{name}.{cell}": number for cell, number in cells.items()}
        words |= {f"{name}.{cell}": f"{title}: {cell}" for cell in cells}
        sums.append(Equation("images", tuple(keys)))
    shown = suppress(counts, sums)
    return [ProfileLine(key, words[key], shown[key]) for key in words]


def _cell(facts: ImageFacts, name: str) -> str:
    if name != "age":
        found: Any = {"view": facts.view, "sex": facts.sex, "vendor": facts.vendor}[name]
        return str(found or "not stated")
    for low, high in _AGE_BANDS:
        if facts.age_years is not None and low <= int(facts.age_years) <= high:
            return f"{low}+" if high == 200 else f"{low}-{high}"
    return "not stated"


def not_counted(spec: DatasetSpec, *, site: str = "") -> list[str]:
    """Lines that a header cannot answer, in words."""
    lines = [d for d in demands(spec) if d.selector.finding is not None or (d.selector.site is not None and not site)]
    return [demand.text for demand in lines]
