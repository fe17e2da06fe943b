"""Writing entries in any format, and what goes beside them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from fulfillment.labels.formats import (
    chexpert,
    coco_writing,
    dicom_seg_writing,
    dicom_sr,
    long,
    masks,
    nifti,
    nih,
    padchest,
    siim,
    vindr,
    voc,
    yolo,
)
from fulfillment.labels.formats.dicom import DicomSource
from fulfillment.labels.formats.model import Entry, ImageRef, Size, Written
from fulfillment.labels.formats.provenance import SIDECAR, write_provenance
from requests_app.spec.document import UncertaintyPolicy
from requests_app.taxonomy import Taxonomy

WRITERS = (
    "table", "parquet", "chexpert", "nih", "nih-boxes", "vindr-boxes", "vindr-images", "padchest", "siim", "rsna", "coco", "yolo",
    "voc", "dicom-sr", "dicom-seg", "dicom-seg-fractional", "png-masks", "png-indexed", "nifti-masks",
)  # fmt: skip
NEED_SOURCES = ("dicom-sr", "dicom-seg", "dicom-seg-fractional")


def write(
    entries: Sequence[Entry],
    *,
    format: str,
    taxonomy: Taxonomy,
    policy: UncertaintyPolicy | None = None,
    target: Taxonomy | None = None,
    image_sizes: Mapping[ImageRef, Size] | None = None,
    images: Sequence[ImageRef] = (),
    sources: Mapping[ImageRef, DicomSource] | None = None,
) -> Written:
    """The entries' files in a format, and what it could not say. Raises ValueError for a format that is not in ``WRITERS``.

    Names are those of ``taxonomy``; a label without a key has no place but in the portal's own table. ``policy`` and ``target`` are
    CheXpert's (see there); ``images`` are listed by COCO, YOLO and VOC even without a label; ``sources`` are what SR and SEG refer
    to. Formats without a place for reader and method get a table ``provenance.csv`` beside them, which ``read`` puts back when both
    are read together.
    """
    writer = _TABLES.get(format)
    if writer is not None:
        return writer(entries, taxonomy)
    match format:
        case "chexpert":
            return chexpert.write(entries, taxonomy, policy=policy, target=target)
        case "siim":
            return _beside(siim.write(entries, taxonomy, image_sizes), taxonomy)
        case "rsna":
            return _beside(siim.write_rsna(entries, taxonomy), taxonomy)
        case "coco":
            return coco_writing.write(entries, taxonomy, image_sizes, images)
        case "yolo":
            written, names = yolo.write(entries, taxonomy, image_sizes, images)
            return _beside(written, taxonomy, names)
        case "voc":
            return voc.write(entries, taxonomy, image_sizes, images)
        case "dicom-sr":
            return dicom_sr.write(entries, taxonomy, sources or {})
        case "dicom-seg" | "dicom-seg-fractional":
            return dicom_seg_writing.write(entries, taxonomy, sources or {}, fractional=format.endswith("fractional"))
        case "png-masks":
            written, names = masks.write_png(entries, taxonomy, image_sizes)
            return _beside(written, taxonomy, names, by_key=True)
        case "png-indexed":
            return masks.write_indexed_png(entries, taxonomy, image_sizes)
        case "nifti-masks":
            written, names = nifti.write(entries, taxonomy, image_sizes)
            return _beside(written, taxonomy, names, by_key=True)
    raise ValueError(f"There is no writer for {format!r}. Choose one of: {', '.join(WRITERS)}.")


_TABLES: Mapping[str, Callable[[Sequence[Entry], Taxonomy], Written]] = {
    "table": long.write,
    "parquet": long.write_parquet,
    "nih": nih.write_entries,
    "nih-boxes": nih.write_boxes,
    "vindr-boxes": vindr.write_boxes,
    "vindr-images": vindr.write_images,
    "padchest": padchest.write,
}


def _beside(
    written: Written, taxonomy: Taxonomy, names: Mapping[ImageRef, str] | None = None, *, by_key: bool = False
) -> Written:
    """With a sidecar, if any label written says where it comes from, or if files go by other names than their images."""
    if names is None and not any(entry.reader or entry.method or entry.extra for entry in written.kept):
        return written
    sidecar = write_provenance(written.kept, taxonomy, names, by_key=by_key)
    return replace(written, files={**written.files, SIDECAR: sidecar})
