"""Everything of a release that is not an image: made from its images one by one, with files on disk in place of lists in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fulfillment.release.bag import Entry
from fulfillment.release.card import card
from fulfillment.release.changes import in_words
from fulfillment.release.columns import IMAGES, LABELS, image_row, label_row
from fulfillment.release.croissant import croissant
from fulfillment.release.datasheet import datasheet
from fulfillment.release.facts import PackageFacts, ReleasedImage
from fulfillment.release.labels import LabelFiles, LoadMask
from fulfillment.release.standing import standing_together
from fulfillment.release.survey import Survey
from fulfillment.release.tables import Column, Spool, Table


@dataclass(frozen=True)
class Extras:
    """What others made for the release. Paths are files in the folder of the build.

    ``files``: path below ``data/`` -> file or bytes. ``audit``: what the audit found, in lines; None where there was none.
    ``copies``: images that are in groups of near-duplicates.
    """

    files: Mapping[str, Path | bytes] = field(default_factory=dict)
    audit: Sequence[str] | None = None
    copies: int = 0
    reports: bool = False


class Tables:
    """The tables of a release, filled image by image into ``folder``; they count what passes by."""

    def __init__(self, folder: Path, spec: Any) -> None:
        self.folder = folder
        self.survey = Survey()
        self._taxonomy = spec.taxonomy()
        self._images = Table(folder, "images", IMAGES)
        self._labels = Table(folder, "labels", LABELS)
        self._formats = LabelFiles(folder, spec)
        self._quality = Spool(folder / "quality.lines")
        self._components: set[str] = set()

    def add(self, image: ReleasedImage, load: LoadMask) -> None:
        held: dict[str, bytes | None] = {}

        def once(key: str) -> bytes | None:
            if key not in held:
                held[key] = load(key)
            return held[key]

        self.survey.add(image)
        self._images.add(image_row(image))
        for label in image.labels:
            self._labels.add(label_row(image, label, self._taxonomy))
        self._formats.add(image, once)
        self._components.update(image.quality_components)
        components = {name: round(value, 1) for name, value in image.quality_components.items()}
        total = None if image.quality_total is None else round(image.quality_total, 1)
        self._quality.add([image.image_id, image.path, image.quality_version, total, components])

    def close(self) -> dict[str, Path]:
        """Path below ``data/`` -> file."""
        self._images.close()
        self._labels.close()
        self._formats.close()
        quality = self._write_quality()
        tables = [self._images.csv, self._images.parquet, self._labels.csv, self._labels.parquet, *self._formats.paths]
        return {
            **{f"metadata/{path.name}": path for path in tables},
            **{f"audit/{path.name}": path for path in (quality.csv, quality.parquet)},
        }

    def _write_quality(self) -> Table:
        head = (
            Column("image_id", about="the image: its replaced SOPInstanceUID"),
            Column("path", about="the DICOM file, below data/"),
            Column("version", about="version of the score"),
            Column("total", "number", "quality from 0 to 100"),
        )
        with Table(
            self.folder, "quality", [*head, *(Column(name, "number") for name in sorted(self._components))]
        ) as out:
            for image, path, version, total, components in self._quality.rows():
                out.add({"image_id": image, "path": path, "version": version, "total": total, **components})
        return out


def documents(
    facts: PackageFacts, survey: Survey, tables: Mapping[str, Path | bytes], extras: Extras = Extras()
) -> list[Entry]:
    """Every document and table below ``data/``, in the order of the package. The same input gives the same bytes."""
    others = {**tables, **extras.files}
    digests = {path: _digest(content) for path, content in others.items()}
    texts = {
        "README.md": card(facts, survey, extras.audit, reports=extras.reports),
        "LICENSE": facts.terms,
        "CHANGELOG.md": in_words(facts.number, facts.date, survey.images, facts.version),
        "spec.json": json.dumps(facts.spec.model_dump(mode="json"), indent=2, ensure_ascii=False, sort_keys=True)
        + "\n",
        "deidentification.json": json.dumps(_deid_summary(facts, survey), indent=2, sort_keys=True) + "\n",
        "docs/datasheet.md": datasheet(facts, survey, extras.copies),
        "docs/standing_together.md": standing_together(facts, survey, extras.audit),
    }
    made: dict[str, Path | bytes] = {path: text.encode() for path, text in texts.items()}
    made["croissant.json"] = croissant(facts, survey, digests, extras.audit or ())
    first = ["README.md", "LICENSE", "CHANGELOG.md", "croissant.json", "spec.json"]
    everything = {**made, **others}
    return [Entry(path, _reader(everything[path])) for path in [*first, *sorted(everything.keys() - set(first))]]


def _reader(content: Path | bytes) -> Callable[[], Path | bytes]:
    return lambda: content


def _digest(content: Path | bytes) -> tuple[str, int]:
    if isinstance(content, bytes):
        return hashlib.sha256(content).hexdigest(), len(content)
    with content.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest(), content.stat().st_size


def _deid_summary(facts: PackageFacts, survey: Survey) -> dict[str, Any]:
    return {
        "engines": sorted(survey.engines),
        "tables": sorted(survey.deid_tables),
        "policies": sorted(survey.policies),
        "images": survey.images,
        "images_with_masks": survey.masked,
        "masks": survey.masks,
        "actions": dict(sorted(survey.actions.items())),
        "withheld_by_reason": dict(sorted(facts.withheld.items())),
    }


def describe(
    folder: Path, facts: PackageFacts, images: Iterable[ReleasedImage], load: LoadMask
) -> tuple[Survey, dict[str, Path]]:
    """The tables of all images and what was counted on the way, in one pass."""
    tables = Tables(folder, facts.spec)
    for image in images:
        tables.add(image, load)
    return tables.survey, tables.close()
