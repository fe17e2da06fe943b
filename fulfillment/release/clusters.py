"""Groups of images that are copies of each other, from pairs that were confirmed."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from fulfillment.release.tables import Column, Table

COLUMNS = (
    Column("cluster", about="number of the group; its images are copies of each other, also through others"),
    Column("image_id", about="the image: its replaced SOPInstanceUID"),
    Column("patient_id", about="pseudonym of the patient, within one hospital"),
    Column("site", about="code of the hospital"),
    Column("path", about="the DICOM file, below data/"),
)


def clusters(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Image -> its group (``d0001``), for images that have a copy. The order of pairs and of a pair's images does not matter."""
    parent: dict[str, str] = {}

    def root(image: str) -> str:
        while parent[image] != image:
            parent[image] = parent[parent[image]]
            image = parent[image]
        return image

    for one, other in pairs:
        first, second = root(parent.setdefault(one, one)), root(parent.setdefault(other, other))
        parent[max(first, second)] = min(first, second)
    groups = {image: root(image) for image in parent}
    sizes: dict[str, int] = {}
    for group in groups.values():
        sizes[group] = sizes.get(group, 0) + 1
    names = {
        group: f"d{number:04}"
        for number, group in enumerate(sorted(group for group, size in sizes.items() if size > 1), start=1)
    }
    return {image: names[group] for image, group in sorted(groups.items()) if group in names}


def write_clusters(folder: Path, rows: Iterable[tuple[str, str, str, str, str]]) -> Path:
    """``duplicates.csv`` from rows of ``COLUMNS``, by cluster and image."""
    with Table(folder, "duplicates", COLUMNS, parquet=False) as out:
        for row in sorted(rows):
            out.add(dict(zip((column.name for column in COLUMNS), row, strict=True)))
    return out.csv
