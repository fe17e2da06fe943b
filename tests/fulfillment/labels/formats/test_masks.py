"""Masks lie on the image as they should: NIfTI whichever way it is turned, PNG in every mode, SEG fractional and by label map."""

from __future__ import annotations

import gzip
import io

import nibabel
import numpy as np
import pytest
from PIL import Image

from fulfillment.labels.formats import Entry, ImageRef, Shape, read, write
from tests.fulfillment.labels.formats.samples import COLUMNS, OWN, ROWS, SOURCES

pytestmark = [pytest.mark.pure, pytest.mark.filterwarnings("ignore::UserWarning")]
#: An L in the upper left: no turn or mirror maps it onto itself.
MASK = np.zeros((ROWS, COLUMNS), dtype=np.uint8)
MASK[4:20, 3:6] = 1
MASK[17:20, 3:14] = 1


def one(data: bytes, name: str, **how: object) -> np.ndarray | None:
    imported = read(data, name=name, taxonomy=OWN, **how)  # type: ignore[arg-type]
    return imported.entries[0].shape.to_mask(*MASK.shape) if imported.entries and imported.entries[0].shape else None


@pytest.mark.parametrize("codes", ["LPS", "LAS", "RPS", "RAS", "PLS", "ALS", "ARI", "LIP", "LSA", "RIA", "ILP", "SRA"])
@pytest.mark.parametrize("slice_last", [True, False])
def test_a_nifti_mask_is_turned_as_its_affine_says(codes: str, slice_last: bool) -> None:
    """The same mask stored along other axes, with the affine that says so, comes out the same."""
    # The mask as stored on the radiograph: x to L, y to P or I, one slice.
    plane = "LPS" if set(codes) & set("PA") and codes.index(next(c for c in codes if c in "PA")) < 2 else "LIP"
    affine = np.diag([-1.0, -1.0, 1.0, 1.0])
    if plane == "LIP":
        affine = np.array([[-1.0, 0, 0, 0], [0, 0, -1, 0], [0, -1, 0, 0], [0, 0, 0, 1]])
    image = nibabel.Nifti1Image(MASK.T[:, :, None], affine)
    assert "".join(nibabel.aff2axcodes(affine)) == plane
    turned = nibabel.orientations.ornt_transform(
        nibabel.orientations.axcodes2ornt(plane), nibabel.orientations.axcodes2ornt(codes)
    )
    stored = image.as_reoriented(turned)
    if not slice_last:
        stored = nibabel.Nifti2Image(stored.get_fdata().astype(np.int16), stored.affine)
    found = one(gzip.compress(stored.to_bytes()), "a__mass.nii.gz")
    assert found is not None
    assert np.array_equal(found, MASK != 0)


def test_a_big_endian_nifti_is_read_too() -> None:
    header = nibabel.Nifti1Header(endianness=">")
    image = nibabel.Nifti1Image(MASK.T[:, :, None].astype(">i2"), np.diag([-1.0, -1, 1, 1]), header)
    found = one(image.to_bytes(), "a__mass.nii")
    assert found is not None
    assert np.array_equal(found, MASK != 0)


def test_without_an_affine_the_size_of_the_image_says_which_axis_is_which() -> None:
    sizes = {ImageRef("file", "a.png"): MASK.shape}
    for data in (MASK, MASK.T):
        image = nibabel.Nifti1Image(data[:, :, None], np.eye(4))
        imported = read(image.to_bytes(), name="a__mass.nii", taxonomy=OWN, image_sizes=sizes)
        assert [problem.code for problem in imported.problems] == ["ORIENTATION_NOT_STATED"]
        assert imported.entries[0].shape is not None
        assert np.array_equal(imported.entries[0].shape.to_mask(*MASK.shape), MASK != 0)


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGB", "RGBA", "I;16"])
def test_a_png_mask_is_read_in_every_mode(mode: str) -> None:
    grey = Image.fromarray(MASK * 255)
    picture = Image.fromarray(MASK.astype(np.uint16) * 40_000) if mode == "I;16" else grey.convert(mode)
    out = io.BytesIO()
    picture.save(out, format="PNG")
    found = one(out.getvalue(), "a__mass.png")
    assert found is not None
    assert np.array_equal(found, MASK != 0)


def test_an_indexed_png_has_its_legend_and_says_what_overlaps() -> None:
    image = ImageRef("file", "a.png")
    labels = [
        Entry(image, "Mass", key="mass", shape=Shape.of_mask(MASK)),
        Entry(image, "Nodule", key="nodule", shape=Shape.of_mask(np.flipud(MASK))),
    ]
    written = write(labels, format="png-indexed", taxonomy=OWN)
    assert written.left_out == ()
    imported = read(dict(written.files), taxonomy=OWN)
    assert {entry.key: entry.shape for entry in imported.entries} == {entry.key: entry.shape for entry in labels}
    over = write(
        [labels[0], Entry(image, "Nodule", key="nodule", shape=Shape.of_mask(MASK))], format="png-indexed", taxonomy=OWN
    )
    assert "OVERLAP" in {problem.code for problem in over.left_out}


def test_a_fractional_segmentation_says_where_it_was_cut() -> None:
    image = ImageRef("sop_instance_uid", "2.25.71")
    label = Entry(image, "Mass", key="mass", shape=Shape.of_mask(MASK), reader="R1")
    files = write([label], format="dicom-seg-fractional", taxonomy=OWN, sources=SOURCES).files
    (entry,) = read(dict(files), taxonomy=OWN).entries
    assert entry.shape == label.shape
    assert (entry.reader, entry.note("fractional"), entry.note("cut_at")) == ("R1", "probability", "0.5")
