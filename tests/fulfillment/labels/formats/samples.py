"""Labels made up for tests: entries that a format can express, and the same ones as its files."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st

from fulfillment.labels.formats import Entry, ImageRef, Shape, extras
from fulfillment.labels.formats.dicom import DicomSource
from requests_app.taxonomy import FindingKind, LabelState, get_taxonomy

OWN = get_taxonomy("getdata-cxr")
#: Rows and columns of every made-up image; not square, so that nothing swapped goes unseen.
ROWS, COLUMNS = 48, 40
READERS = st.sampled_from(["", "R1", "R 2", "=cmd", "'x", "Müller, A."])
METHODS = st.sampled_from(["", "image_read", "report_nlp"])
EXTRAS = st.sampled_from([(), extras(tool="finder", tool_version="2.1"), extras(adjudicated="consensus")])
NAMES = {
    "file": ("a/b/one.png", "zwei, drei.png", "-x.png", "vier_000.png"),
    "image_id": ("abc", "def-1", "0f3c", "ghi_2"),
    "sop_instance_uid": ("2.25.71", "1.2.840.1.5.7.99", "2.25.8", "2.25.9"),
    "accession_number": ("A-77", "A 78", "ACC0001", "ACC2"),
}
FINDINGS = [finding for finding in OWN.findings if finding.kind is not FindingKind.NORMAL]


@st.composite
def boxes(draw: Any) -> Shape:
    x, y = draw(st.floats(0, COLUMNS - 2)), draw(st.floats(0, ROWS - 2))
    return Shape.of_box(x, y, draw(st.floats(1, COLUMNS - x)), draw(st.floats(1, ROWS - y)))


@st.composite
def polygons(draw: Any) -> Shape:
    corner = st.tuples(st.floats(0, COLUMNS, width=32), st.floats(0, ROWS, width=32))
    ring = st.lists(corner, min_size=3, max_size=7, unique=True)
    shape = Shape.of_rings(draw(st.lists(ring, min_size=1, max_size=2)))
    return shape if shape.area > 1 else Shape.of_rings([[(1, 1), (9, 2), (4, 8)]])


@st.composite
def masks(draw: Any) -> Shape:
    seed = draw(st.integers(0, 2**32 - 1))
    mask = np.random.default_rng(seed).random((ROWS, COLUMNS)) < draw(st.sampled_from([0.03, 0.5]))
    mask[draw(st.integers(0, ROWS - 1)), draw(st.integers(0, COLUMNS - 1))] = True
    return Shape.of_mask(mask)


def entries(
    *,
    kinds: tuple[str, ...] = ("file",),
    states: tuple[LabelState, ...] = tuple(LabelState),
    shapes: st.SearchStrategy[Shape | None] | None = None,
    provenance: bool = True,
    findings: Any = FINDINGS,
    readers: bool = True,
) -> st.SearchStrategy[list[Entry]]:
    """Lists of entries under the project's own taxonomy, at most one statement for a reader, finding and image."""

    @st.composite
    def one(draw: Any) -> Entry:
        kind = draw(st.sampled_from(kinds))
        finding = draw(st.sampled_from(findings))
        shape = draw(shapes) if shapes is not None else None
        return Entry(
            image=ImageRef(kind, draw(st.sampled_from(NAMES[kind]))),
            finding=finding.name,
            key=finding.key,
            state=LabelState.PRESENT if shape is not None else draw(st.sampled_from(states)),
            shape=shape,
            reader=draw(READERS) if readers else "",
            method=draw(METHODS) if readers else "",
            extra=draw(EXTRAS) if provenance else (),
        )

    return st.lists(
        one(), min_size=1, max_size=8, unique_by=lambda e: (e.image, e.key, e.reader, e.method, e.shape is not None)
    )


def facts(entry: Entry, *, digits: int = 6) -> tuple[Any, ...]:
    """What must come back, whatever the order: everything but where in the file it stood."""
    shape = entry.shape
    place: Any = None
    if shape is not None and shape.box is not None:
        place = ("box", *(round(side, digits) for side in shape.box))
    elif shape is not None and shape.kind == "polygon":
        place = tuple(tuple((round(x, digits), round(y, digits)) for x, y in ring) for ring in shape.rings)
    elif shape is not None:
        place = (shape.size, shape.counts)
    return (
        entry.image.kind,
        entry.image.value,
        entry.key,
        entry.state,
        repr(place),
        entry.reader,
        entry.method,
        entry.extra,
    )


def same(one: Any, other: Any, **how: Any) -> bool:
    return sorted(facts(entry, **how) for entry in one) == sorted(facts(entry, **how) for entry in other)


SIZES: Mapping[ImageRef, tuple[int, int]] = {
    ImageRef(kind, name): (ROWS, COLUMNS) for kind, names in NAMES.items() for name in names
}
SOURCES = {
    ImageRef("sop_instance_uid", uid): DicomSource(
        uid, "1.2.840.10008.5.1.4.1.1.1.1", f"{uid}.1", f"{uid}.2", ROWS, COLUMNS, patient_id="pseudonym"
    )
    for uid in NAMES["sop_instance_uid"]
}


def single(shapes: st.SearchStrategy[Shape]) -> st.SearchStrategy[Shape]:
    """Polygons in one part."""
    return shapes.map(lambda shape: Shape.of_rings(max(([ring] for ring in shape.rings), key=_area)))


def _area(rings: Any) -> float:
    return Shape.of_rings(rings).area
