"""The audited images as arrays: who they are of, what is known of each, and what was said of each finding."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from fulfillment.audits import values
from fulfillment.audits.tables import IMAGES, LABELS, Problems
from fulfillment.audits.thresholds import FEW_ABSENT, MOST_CATEGORIES
from fulfillment.labels.consensus import settle
from fulfillment.labels.methods import Method, read_method
from fulfillment.labels.statement import Statement
from requests_app.spec.vendors import canonical_vendor
from requests_app.taxonomy import LabelState, normalise_name

Codes = NDArray[np.intp]
Numbers = NDArray[np.float64]
Unmentioned = Literal["auto", "absent", "ignore"]
MISSING = "not stated"
_POSITIVE = (LabelState.PRESENT, LabelState.LIKELY)
_KNOWN = {"image_id", "patient_id", "site", "vendor", "model", "view", "sex", "age", "path", "row"}
#: Names of columns that hold identifiers, files or the labels themselves: knowing those is no shortcut.
_NO_FACTOR = re.compile(
    r"(^|_)(uid|id|ids|sha256|hash|md5|path|file|filename|accession|url|cluster|report|text|comment|notes?)$|^(findings?|labels?|diagnos[ie]s|split|fold)$"
)


@dataclass(frozen=True)
class Column:
    """One thing known of each image. ``codes`` index ``categories``; what is not stated is a category of its own."""

    name: str
    title: str
    codes: Codes
    categories: tuple[str, ...]

    @property
    def known(self) -> int:
        """Categories that say something."""
        return sum(category != MISSING for category in self.categories)


@dataclass(frozen=True)
class Said:
    """What was said of one finding, row by row: the image, 1 or 0 (NaN: neither), and by whom and how."""

    image: Codes
    y: Numbers
    state: tuple[str, ...]
    reader: tuple[str, ...]
    source: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """``y``: 1 present or likely, 0 absent, NaN possible, not mentioned or not labelled. ``assumed``: how many of the absent ones
    nobody called absent."""

    key: str
    name: str
    y: Numbers
    states: Mapping[str, int]
    assumed: int
    said: Said


@dataclass
class Cohort:
    """``patient``: a number for each image; an image that names no patient is taken for one of its own."""

    image_ids: list[str]
    patient: Codes
    patients: int
    columns: dict[str, Column]
    age: Numbers
    findings: list[Finding]
    left_out: list[dict[str, str]] = field(default_factory=list)
    without_patient: int = 0
    labelled: int = 0
    rows: list[Mapping[str, Any]] = field(default_factory=list)

    @property
    def images(self) -> int:
        return len(self.image_ids)

    def weights(self, used: NDArray[np.bool_]) -> Numbers:
        """Weights by which each patient counts once among the images used; 0 for the others."""
        counts = np.bincount(self.patient[used], minlength=self.patients)
        return np.where(used, 1 / np.maximum(counts, 1)[self.patient], 0.0)


def make_cohort(
    images: Iterable[Mapping[str, Any]],
    labels: Iterable[Mapping[str, Any]],
    problems: Problems,
    *,
    unmentioned: Unmentioned = "auto",
) -> Cohort:
    """The cohort of the tables' rows. Rows that cannot be used are named in ``problems``."""
    rows, at = _image_rows(images, problems)
    patients: dict[str, int] = {}
    patient, without = [], 0
    for number, row in enumerate(rows):
        name = values.text(row.get("patient_id"))
        without += not name
        patient.append(patients.setdefault(name or f"\0{number}", len(patients)))
    if without:
        problems.add(
            IMAGES,
            0,
            "NO_PATIENT",
            f"{without:,} images name no patient; each is taken for a patient of its own.",
            "Fill in patient_id: without it, images of one person may be on both sides of a split.",
        )
    findings, labelled = _findings(labels, at, len(rows), problems, unmentioned)
    age = np.array([values.age(row.get("age")) for row in rows], dtype=np.float64)
    cohort = Cohort(
        image_ids=[str(row["image_id"]).strip() for row in rows],
        patient=np.array(patient, dtype=np.intp),
        patients=len(patients),
        columns={},
        age=age,
        findings=findings,
        without_patient=without,
        labelled=labelled,
        rows=rows,
    )
    cohort.columns = _columns(rows, age, {finding.key for finding in findings}, cohort.left_out)
    return cohort


def _image_rows(
    images: Iterable[Mapping[str, Any]], problems: Problems
) -> tuple[list[Mapping[str, Any]], dict[str, int]]:
    rows: list[Mapping[str, Any]] = []
    at: dict[str, int] = {}
    for count, row in enumerate(images, start=2):
        line = int(row.get("row", count))
        key = str(row.get("image_id") or "").strip()
        if not key:
            problems.add(
                IMAGES, line, "NO_IMAGE_ID", "The row names no image.", "Fill in image_id; the row is left out."
            )
        elif key in at:
            problems.add(
                IMAGES,
                line,
                "IMAGE_TWICE",
                "The image is in the table already.",
                "Give each image one row; the first is used.",
            )
        else:
            at[key] = len(rows)
            rows.append(row)
    return rows, at


# --- what was said --------------------------------------------------------------------------------------------------


def _findings(
    labels: Iterable[Mapping[str, Any]],
    at: Mapping[str, int],
    images: int,
    problems: Problems,
    unmentioned: Unmentioned,
) -> tuple[list[Finding], int]:
    said: dict[str, list[tuple[int, LabelState, str, str]]] = defaultdict(list)
    names: dict[str, str] = {}
    touched = np.zeros(images, dtype=bool)
    absent_anywhere = False
    for count, row in enumerate(labels, start=2):
        line = int(row.get("row", count))
        image = at.get(str(row.get("image_id") or "").strip())
        name = " ".join(str(row.get("finding") or "").split())
        state = values.state(row.get("state"))
        if image is None:
            problems.add(
                LABELS,
                line,
                "IMAGE_UNKNOWN",
                "The label is of an image that images.csv does not have.",
                "Add the image, or remove the label.",
            )
        elif not name:
            problems.add(
                LABELS, line, "NO_FINDING", "The row names no finding.", "Fill in finding; the row is left out."
            )
        elif state is None:
            problems.add(
                LABELS,
                line,
                "STATE_UNKNOWN",
                "The state is none that we know.",
                "Write present, likely, possible, absent or not mentioned (or 1, 0, -1); the row is left out.",
            )
        else:
            key = normalise_name(name) or name
            names.setdefault(key, name)
            touched[image] = True
            absent_anywhere = absent_anywhere or state is LabelState.ABSENT
            said[key].append((image, state, values.text(row.get("reader")), values.text(row.get("source"))))
    # A table that never says "absent" lists what is there: an image it does not name has nothing.
    looked_at = touched if absent_anywhere or unmentioned == "ignore" else np.ones(images, dtype=bool)
    made = [_finding(key, names[key], said[key], looked_at, unmentioned) for key in sorted(said)]
    return made, int(touched.sum())


def _finding(
    key: str,
    name: str,
    rows: Sequence[tuple[int, LabelState, str, str]],
    looked_at: NDArray[np.bool_],
    unmentioned: Unmentioned,
) -> Finding:
    by_image: dict[int, list[tuple[int, LabelState, str, str]]] = defaultdict(list)
    for row in rows:
        by_image[row[0]].append(row)
    y = np.full(len(looked_at), np.nan)
    silent = looked_at.copy()
    states: Counter[str] = Counter()
    for image, several in by_image.items():
        state = several[0][1] if len(several) == 1 else settle([_statement(*row) for row in several]).state
        states[state.value] += 1
        if state is not LabelState.NOT_MENTIONED:
            silent[image] = False
            if state is not LabelState.POSSIBLE:
                y[image] = float(state in _POSITIVE)
    states[LabelState.NOT_MENTIONED.value] = int(
        len(looked_at) - sum(states[s.value] for s in LabelState if s is not LabelState.NOT_MENTIONED)
    )
    assume = unmentioned == "absent" or (unmentioned == "auto" and states[LabelState.ABSENT.value] < FEW_ABSENT)
    assumed = int(silent.sum()) if assume else 0
    if assume:
        y[silent] = 0.0
    numbers = [1.0 if state in _POSITIVE else 0.0 if state is LabelState.ABSENT else np.nan for _, state, _, _ in rows]
    said = Said(
        np.array([row[0] for row in rows], dtype=np.intp),
        np.array(numbers, dtype=np.float64),
        tuple(row[1].value for row in rows),
        tuple(row[2] for row in rows),
        tuple(_source(row[3]) for row in rows),
    )
    return Finding(key, name, y, {state.value: states[state.value] for state in LabelState}, assumed, said)


def _statement(image: int, state: LabelState, reader: str, source: str) -> Statement:
    method, readers = read_method(source)
    return Statement(state, method, reader, readers)


def _source(text: str) -> str:
    """The method where we know the word, else the word."""
    if not text:
        return ""
    method = read_method(text)[0]
    return text if method in (Method.OTHER, Method.UNKNOWN) else method.plain


# --- what is known of images ----------------------------------------------------------------------------------------


def _columns(
    rows: Sequence[Mapping[str, Any]], age: Numbers, findings: set[str], left_out: list[dict[str, str]]
) -> dict[str, Column]:
    vendors = [canonical_vendor(values.text(row.get("vendor"))) or "" for row in rows]
    models = [values.text(row.get("model")) for row in rows]
    devices = [" ".join(filter(None, pair)) for pair in zip(vendors, models, strict=True)]
    given = {name for row in rows[:1] for name in row} | {name for row in rows[-1:] for name in row}
    found = [
        column("site", "Site", [values.text(row.get("site")) for row in rows]),
        column("vendor", "Vendor", vendors),
        column("model", "Device (vendor and model)", devices),
        column("view", "View", [values.view(row.get("view")) for row in rows]),
        column("sex", "Sex", [values.sex(row.get("sex")) for row in rows]),
        column("age_band", "Age band", [values.age_band(years) for years in age]),
    ]
    kept = {one.name: one for one in found}
    for name in sorted(given - _KNOWN):
        if not isinstance(name, str):
            continue
        why, further = _further(name, [row.get(name) for row in rows], findings)
        if further is not None:
            kept[name] = further
        elif why:
            left_out.append({"column": name, "why": why})
    return kept


def _further(name: str, cells: Sequence[Any], findings: set[str]) -> tuple[str, Column | None]:
    """A column of the table's own, as categories; numbers of many values in fifths."""
    if _NO_FACTOR.search(name) or normalise_name(name) in findings:
        return "its name says that it holds identifiers, text or labels", None
    texts = [values.text(cell) for cell in cells]
    distinct = set(texts) - {""}
    if not distinct:
        return "it is empty", None
    title = name.replace("_", " ").strip().capitalize()
    if "date" in name:
        texts = [match[0] if (match := re.match(r"(19|20)\d\d", cell)) else "" for cell in texts]
        distinct = set(texts) - {""}
    numbers = np.array([values.number(cell) for cell in texts])
    stated = np.isfinite(numbers)
    if len(distinct) > 12 and stated.sum() >= 0.95 * sum(cell != "" for cell in texts):
        return "", column(name, title, _fifths(numbers))
    if len(distinct) > max(MOST_CATEGORIES, 2) and len(distinct) > 0.2 * sum(cell != "" for cell in texts):
        return f"{len(distinct):,} different values: nearly one for each image", None
    return "", column(name, title, texts)


def _fifths(numbers: Numbers) -> list[str]:
    edges = np.unique(np.nanquantile(numbers, (0.2, 0.4, 0.6, 0.8)))
    place = np.searchsorted(edges, numbers, side="right")
    names = [
        f"below {edges[0]:g}",
        *(f"{a:g} to {b:g}" for a, b in pairwise(edges)),
        f"{edges[-1]:g} and over",
    ]
    return [names[at] if np.isfinite(value) else "" for at, value in zip(place, numbers, strict=True)]


def column(name: str, title: str, texts: Sequence[str]) -> Column:
    """A column of the texts; "" is not stated. Spelling in other case is the same value, by its commonest form."""
    forms: dict[str, Counter[str]] = defaultdict(Counter)
    for cell in texts:
        forms[cell.casefold()][cell] += 1
    shown = {folded: counts.most_common(1)[0][0] or MISSING for folded, counts in forms.items()}
    order = sorted(forms, key=lambda folded: (folded == "", -sum(forms[folded].values()), folded))
    number = {folded: place for place, folded in enumerate(order)}
    codes = np.array([number[cell.casefold()] for cell in texts], dtype=np.intp)
    return Column(name, title, codes, tuple(shown[folded] for folded in order))
