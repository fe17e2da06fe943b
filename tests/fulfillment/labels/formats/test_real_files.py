"""Real label files, where they are: how many rows make how many labels, and every problem explained."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from fulfillment.labels.formats import read
from requests_app.taxonomy import get_taxonomy

pytestmark = pytest.mark.pure
DATA = Path(__file__).resolve().parents[5] / "shared" / "data"
DATA = DATA if DATA.exists() else Path(__file__).resolve().parents[4].parent / "shared" / "data"


@pytest.mark.skipif(not (DATA / "labels").exists(), reason="the real label files are not here")
@pytest.mark.parametrize(
    ("file", "taxonomy", "format", "rows", "entries", "named", "problems"),
    [
        ("chexpert_format.csv", "chexpert-14", "chexpert", 1000, 1952, 1952, {}),
        ("nih_Data_Entry_sample.csv", "nih-chestxray14", "nih", 2367, 3805, 3805, {}),
        ("nih_BBox_List_2017.csv", "nih-chestxray14", "nih-boxes", 984, 984, 984, {}),
        ("nih_bbox_coco.json", "nih-chestxray14", "coco", 984, 984, 984, {}),
        # Mass and Nodule are one finding in VinDr's list, which is wider: a person has to say so.
        ("vindr_format.csv", "vindr-cxr", "vindr-boxes", 984, 984, 820, {"FINDING_NEEDS_CONFIRMING": 2}),
        # Fracture, Airspace opacity and Nodule or mass are columns of Google's that NIH's list has no finding for.
        (
            "google2019_nih-chest-xray-labels.csv.gz",
            "nih-chestxray14",
            "nih",
            4376,
            23390,
            10262,
            {"FINDING_UNKNOWN": 3},
        ),
        # Fracture, Calcification and Diffuse Nodule are not in NIH's list.
        ("chestx_det/ChestX_Det_test.json", "nih-chestxray14", "chestx-det", 553, 1734, 1489, {"FINDING_UNKNOWN": 3}),
    ],
)
def test_a_real_file_is_read_whole(
    file: str, taxonomy: str, format: str, rows: int, entries: int, named: int, problems: dict[str, int]
) -> None:
    imported = read(DATA / "labels" / file, taxonomy=get_taxonomy(taxonomy))
    assert imported.format == format
    assert (imported.rows, len(imported.entries)) == (rows, entries)
    assert sum(bool(entry.key) for entry in imported.entries) == named
    assert Counter(problem.code for problem in imported.problems) == problems


@pytest.mark.skipif(not (DATA / "dicom" / "highdicom").exists(), reason="the real DICOM objects are not here")
@pytest.mark.parametrize(
    ("file", "entries", "problems"),
    [
        # Segments called "first segment" stand for no finding; each frame is one label of one image.
        ("seg_image_cr_binary.dcm", 1, {"FINDING_UNKNOWN": 1}),
        ("seg_image_ct_binary.dcm", 3, {"FINDING_UNKNOWN": 1}),
        ("seg_image_ct_binary_fractional.dcm", 3, {"FINDING_UNKNOWN": 1}),
        ("seg_image_ct_true_fractional.dcm", 3, {"FINDING_UNKNOWN": 1}),
        ("seg_image_ct_binary_overlap.dcm", 8, {"FINDING_UNKNOWN": 2}),
        ("seg_image_sm_dots.dcm", 0, {"TILED": 1}),
        ("seg_image_sm_control_labelmap.dcm", 0, {"TILED": 1}),
        ("sr_document.dcm", 1, {"FINDING_UNKNOWN": 1}),
        # One group is a measurement without a finding, one lies in the patient's millimetres; "Nodule" and "Aorta" are read.
        ("sr_document_with_multiple_groups.dcm", 2, {"FINDING_MISSING": 1, "REGION_3D": 1, "FINDING_UNKNOWN": 1}),
    ],
)
def test_real_dicom_objects_are_read(file: str, entries: int, problems: dict[str, int]) -> None:
    imported = read(DATA / "dicom" / "highdicom" / file, taxonomy=get_taxonomy("getdata-cxr"))
    assert len(imported.entries) == entries
    assert Counter(problem.code for problem in imported.problems) == problems


@pytest.mark.skipif(not (DATA / "dicom" / "highdicom").exists(), reason="the real DICOM objects are not here")
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_real_segments_lie_where_highdicom_says() -> None:
    """An outside judge: the masks of every frame, decoded by the library that wrote them."""
    import highdicom as hd

    for name in (
        "seg_image_cr_binary",
        "seg_image_ct_binary",
        "seg_image_ct_binary_overlap",
        "seg_image_ct_binary_single_frame",
    ):
        path = DATA / "dicom" / "highdicom" / f"{name}.dcm"
        theirs = hd.seg.segread(path)
        frames = theirs.pixel_array.reshape(-1, theirs.Rows, theirs.Columns)
        imported = read(path, taxonomy=get_taxonomy("getdata-cxr"))
        ours = sorted(entry.shape.area for entry in imported.entries if entry.shape is not None)
        assert ours == sorted(float(frame.sum()) for frame in frames if frame.any())
