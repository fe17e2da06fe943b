"""Every format: what is written and read again is what was there, with where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fulfillment.labels.formats import FORMATS, WRITERS, Entry, ImageRef, Shape, read, write
from requests_app.taxonomy import LabelState, get_taxonomy
from tests.fulfillment.labels.formats.samples import OWN, SIZES, SOURCES, boxes, entries, masks, polygons, same, single

pytestmark = pytest.mark.pure
PRESENT = (LabelState.PRESENT,)
SAID = (LabelState.PRESENT, LabelState.ABSENT)
ANY_SHAPE = st.none() | boxes() | polygons() | masks()
PNEUMOTHORAX = [finding for finding in OWN.findings if finding.key == "pneumothorax"]
KINDS = ("file", "image_id", "sop_instance_uid", "accession_number")

#: For each format the labels that it can express whole.
CASES: Mapping[str, st.SearchStrategy[list[Entry]]] = {
    "table": entries(kinds=KINDS, shapes=ANY_SHAPE),
    "parquet": entries(kinds=KINDS, shapes=ANY_SHAPE),
    "chexpert": entries(states=(*SAID, LabelState.POSSIBLE), provenance=False),
    "nih": entries(states=PRESENT, provenance=False),
    "nih-boxes": entries(shapes=boxes(), provenance=False),
    "vindr-boxes": entries(kinds=("image_id",), states=PRESENT, shapes=st.none() | boxes(), provenance=False),
    "vindr-images": entries(kinds=("image_id",), states=SAID, provenance=False),
    "padchest": entries(states=PRESENT, provenance=False),
    "siim": entries(kinds=("image_id", "sop_instance_uid"), shapes=masks(), findings=PNEUMOTHORAX),
    "coco": entries(kinds=KINDS, shapes=ANY_SHAPE),
    "yolo": entries(kinds=KINDS, shapes=boxes() | single(polygons())),
    "voc": entries(kinds=KINDS, shapes=boxes()),
    "dicom-sr": entries(kinds=("sop_instance_uid",), shapes=st.none() | boxes() | single(polygons())),
    "dicom-seg": entries(kinds=("sop_instance_uid",), shapes=masks()),
    "png-masks": entries(kinds=KINDS, shapes=masks()),
    "nifti-masks": entries(kinds=KINDS, shapes=masks()),
}
# Not shrunk: a failing case of a DICOM object would take minutes to be made small.
EXAMPLES = settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=(Phase.explicit, Phase.generate),
)


def again(labels: list[Entry], format: str, **how: Any) -> Any:
    written = write(labels, format=format, taxonomy=OWN, image_sizes=SIZES, sources=SOURCES)
    assert written.left_out == (), written.left_out
    return read(dict(written.files), taxonomy=OWN, image_sizes=SIZES, **how)


@pytest.mark.parametrize("format", CASES)
@pytest.mark.filterwarnings("ignore::UserWarning")
@EXAMPLES
@given(data=st.data())
def test_what_is_written_is_read_again(format: str, data: Any) -> None:
    labels = data.draw(CASES[format])[: 4 if format == "dicom-sr" else None]
    imported = again(labels, format)
    assert imported.format == format
    assert imported.problems == ()
    assert same(imported.entries, labels, digits=3 if format == "dicom-sr" else 6)


def test_rsna_s_boxes_come_back() -> None:
    vindr = get_taxonomy("vindr-cxr")
    opacity = vindr.find("Lung Opacity")
    assert opacity is not None
    label = Entry(ImageRef("image_id", "p1"), opacity.name, key=opacity.key, reader="R1")
    labels = [
        replace(label, state=LabelState.ABSENT, image=ImageRef("image_id", "p2")),
        replace(label, shape=Shape.of_box(1.5, 2, 30, 4.25)),
        replace(label, shape=Shape.of_box(7, 2, 30, 4), reader="R2"),
    ]
    imported = read(dict(write(labels, format="rsna", taxonomy=vindr).files), taxonomy=vindr)
    assert imported.format == "rsna"
    assert same(imported.entries, labels)


def test_every_writer_has_a_reader_and_a_round_trip() -> None:
    assert set(WRITERS) - {"dicom-seg-fractional", "png-indexed"} <= set(FORMATS)
    assert set(WRITERS) == {*CASES, "rsna", "dicom-seg-fractional", "png-indexed"}
