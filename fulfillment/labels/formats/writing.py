"""Writing entries in any format, and what goes beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fulfillment.labels.formats.model import Entry, ImageRef, Size, Written
from fulfillment.labels.formats.provenance import SIDECAR, write_provenance
from requests_app.spec.document import UncertaintyPolicy
from requests_app.taxonomy import Taxonomy

WRITERS = (
    "table", "parquet", "chexpert", "nih", "nih-boxes", "vindr-boxes", "vindr-images", "padchest", "siim", "rsna", "coco",
)  # fmt: skip


def write(
    entries: Sequence[Entry],
    *,
    format: str,
    taxonomy: Taxonomy,
    policy: UncertaintyPolicy | None = None,
    image_sizes: Mapping[ImageRef, Size] | None = None,
    images: Sequence[ImageRef] = (),
) -> Written:
    """The entries' files in a format, and what it could not say. Raises ValueError for a format that is not in ``WRITERS``.

    Names are those of ``taxonomy``; a label without a key has no place but in the portal's own table. Formats without a place for
    reader and method get a table ``provenance.csv`` beside them, which ``read`` puts back when both are read together.
    """
    from fulfillment.labels.formats import chexpert, coco, long, nih, padchest, siim, vindr

    match format:
        case "table":
            return long.write(entries, taxonomy)
        case "parquet":
            return long.write_parquet(entries, taxonomy)
        case "chexpert":
            return chexpert.write(entries, taxonomy, policy=policy)
        case "nih":
            return nih.write_entries(entries, taxonomy)
        case "nih-boxes":
            return nih.write_boxes(entries, taxonomy)
        case "vindr-boxes":
            return vindr.write_boxes(entries, taxonomy)
        case "vindr-images":
            return vindr.write_images(entries, taxonomy)
        case "padchest":
            return padchest.write(entries, taxonomy)
        case "siim":
            return _beside(siim.write(entries, taxonomy, image_sizes), taxonomy)
        case "rsna":
            return _beside(siim.write_rsna(entries, taxonomy), taxonomy)
        case "coco":
            return coco.write(entries, taxonomy, image_sizes, images)
    raise ValueError(f"There is no writer for {format!r}. Choose one of: {', '.join(WRITERS)}.")


def _beside(written: Written, taxonomy: Taxonomy) -> Written:
    """With a sidecar, if any label written says where it comes from."""
    if not any(entry.reader or entry.method or entry.extra for entry in written.kept):
        return written
    return replace(written, files={**written.files, SIDECAR: write_provenance(written.kept, taxonomy)})
