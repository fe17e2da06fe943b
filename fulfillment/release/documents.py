"""The documents of a release: card, terms, change log, tables, specification, what de-identification did."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fulfillment.labels import LabelRow, labels_by_image, write_chexpert_csv
from fulfillment.labels.methods import read_method
from fulfillment.release.labels import NIH, ReleasedLabel
from requests_app.spec import DatasetSpec, ImageFormat, LabelFormat, summarise
from requests_app.taxonomy import LabelState, get_taxonomy

#: Delivered today; whatever else a specification asks for is named in the card as not included.
_LABEL_FORMATS = set(LabelFormat)


#: Facts that are not the image's own: the site has a column with its code, labels have a table.
_NOT_COLUMNS = {"site", "labels", "statements", "report_linked"}
# A spreadsheet runs a cell that starts like this as a formula; header values come from anybody's scanner.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True)
class ReleasedImage:
    """One image of the release. ``facts`` is ``ImageFacts.as_dict()``; ``site`` a code such as ``site-01``."""

    path: str
    sha256: str
    site: str
    facts: Mapping[str, Any]
    quality_version: str
    quality_total: float | None
    quality_components: Mapping[str, float]
    masks: int
    labels: Sequence[ReleasedLabel] = ()
    deid: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PackageFacts:
    """What the documents say about the release as a whole."""

    name: str
    title: str
    number: int
    published_for: str
    date: str
    spec: DatasetSpec
    spec_version: int
    spec_sha256: str
    terms: str
    changes: Sequence[str]
    withheld: Mapping[str, int]


def documents(facts: PackageFacts, images: Sequence[ReleasedImage]) -> dict[str, bytes]:
    """Path below ``data/`` -> bytes, for everything that is not an image. The same input gives the same bytes."""
    files: dict[str, str] = {
        "README.md": _card(facts, images),
        "TERMS.md": facts.terms,
        "CHANGELOG.md": _changelog(facts),
        "spec.json": json.dumps(facts.spec.model_dump(mode="json"), indent=2, ensure_ascii=False, sort_keys=True)
        + "\n",
        "metadata/images.csv": _images_table(images),
        "metadata/labels.csv": _labels_table(images),
        "metadata/quality.csv": _quality_table(images),
        "deidentification.json": json.dumps(_deid_summary(facts, images), indent=2, sort_keys=True) + "\n",
    }
    if LabelFormat.CHEXPERT_CSV in facts.spec.delivery.label_formats:
        files["metadata/chexpert.csv"] = _chexpert_table(facts.spec, images)
    return {path: text.encode() for path, text in sorted(files.items())}


def _table(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([[_safe(value) for value in row] for row in rows])
    return out.getvalue()


def _safe(value: Any) -> Any:
    if value is None:
        return ""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _images_table(images: Sequence[ReleasedImage]) -> str:
    columns = sorted({key for image in images for key in image.facts} - _NOT_COLUMNS)
    rows = (
        [image.path, image.sha256, image.site, image.masks, *(_cell(image.facts.get(column)) for column in columns)]
        for image in images
    )
    return _table(["path", "sha256", "site", "masked_regions", *columns], rows)


def _cell(value: Any) -> Any:
    return "|".join(str(item) for item in value) if isinstance(value, list | tuple) else value


def _labels_table(images: Sequence[ReleasedImage]) -> str:
    made = list(ReleasedLabel("", "", "", "").provenance())
    rows = (
        [
            image.facts["sop_instance_uid"],
            image.path,
            label.finding,
            label.state,
            label.source,
            label.reader,
            *label.provenance().values(),
            "|".join(mark.kind for mark in label.marks),
        ]
        for image in images
        for label in image.labels
    )
    return _table(["sop_instance_uid", "path", "finding", "state", "source", "reader", *made, "marks"], rows)


def _quality_table(images: Sequence[ReleasedImage]) -> str:
    names = sorted({name for image in images for name in image.quality_components})
    rows = (
        [image.path, image.quality_version, None if image.quality_total is None else round(image.quality_total, 1)]
        + [round(image.quality_components[name], 1) if name in image.quality_components else None for name in names]
        for image in images
    )
    return _table(["path", "version", "total", *names], rows)


def _chexpert_table(spec: DatasetSpec, images: Sequence[ReleasedImage]) -> str:
    """CheXpert's wide table: the consensus of what was said, by the rule that holds everywhere in GetDATA."""
    taxonomy = spec.taxonomy()
    rows = [
        LabelRow(image.path, "file", finding.key, finding.name, LabelState(label.state), label.source, label.reader)
        for image in images
        for label in image.labels
        # A label given for an earlier version of the specification may have no place in this one.
        if (finding := taxonomy.find(label.finding)) is not None
    ]
    states = {**{image.path: {} for image in images}, **labels_by_image(rows)}
    return write_chexpert_csv(states, taxonomy, spec.labels.uncertainty, target=get_taxonomy("chexpert-14"))


def _deid_summary(facts: PackageFacts, images: Sequence[ReleasedImage]) -> dict[str, Any]:
    actions: Counter[str] = Counter()
    for image in images:
        actions.update({key: int(count) for key, count in dict(image.deid.get("actions", {})).items()})
    return {
        "engines": sorted({str(image.deid.get("engine", "")) for image in images}),
        "tables": sorted({str(image.deid.get("table", "")) for image in images}),
        "policies": sorted({str(image.deid.get("policy", "")) for image in images}),
        "images": len(images),
        "images_with_masks": sum(1 for image in images if image.masks),
        "masks": sum(image.masks for image in images),
        "actions": dict(sorted(actions.items())),
        "withheld_by_reason": dict(sorted(facts.withheld.items())),
    }


def _changelog(facts: PackageFacts) -> str:
    lines = [f"# Changes\n\n## Release {facts.number} ({facts.date})\n"]
    return "\n".join(lines + [f"- {change}" for change in facts.changes]) + "\n"


def _counts(title: str, values: Iterable[str]) -> str:
    counted = Counter(" ".join(value.replace("|", "/").split()) or "not stated" for value in values)
    rows = "\n".join(
        f"| {value} | {count} |" for value, count in sorted(counted.items(), key=lambda kv: (-kv[1], kv[0]))
    )
    return f"\n| {title} | Images |\n|---|---:|\n{rows}\n"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def _sources(images: Sequence[ReleasedImage]) -> str:
    """How the labels were made: by method, how many, by how many readers that can be told apart, and how many carry marks."""
    labels: Counter[str] = Counter()
    readers: dict[str, set[str]] = {}
    marked: Counter[str] = Counter()
    for image in images:
        for label in image.labels:
            method = read_method(label.source)[0].plain if label.source else "not said"
            labels[method] += 1
            marked[method] += bool(label.marks)
            readers.setdefault(method, set()).update({label.reader} - {""})
    rows = "\n".join(
        f"| {method} | {count} | {len(readers[method]) or 'not named'} | {marked[method]} |"
        for method, count in sorted(labels.items(), key=lambda pair: (-pair[1], pair[0]))
    )
    return f"\n| How made | Labels | Readers | With marks |\n|---|---:|---:|---:|\n{rows}\n" if rows else ""


def _card(facts: PackageFacts, images: Sequence[ReleasedImage]) -> str:
    spec = facts.spec
    patients = {image.facts.get("patient") for image in images}
    missing = [item.plain for item in spec.delivery.label_formats if item not in _LABEL_FORMATS]
    states = Counter((label.finding, label.state) for image in images for label in image.labels)
    label_rows = "\n".join(f"| {finding} | {state} | {count} |" for (finding, state), count in sorted(states.items()))
    labels = f"| Finding | State | Labels |\n|---|---|---:|\n{label_rows}" if states else "No labels were delivered."
    asked = "\n".join(f"- {line}" for line in summarise(spec))
    pictures = [
        f"- `{form.value}/<patient>/<study>/<series>/*.png`: the same images as {form.plain}"
        for form in spec.delivery.image_formats
        if form is not ImageFormat.DICOM
    ]
    tables = ["`metadata/images.csv`", "`metadata/labels.csv`", "`metadata/labels.parquet`", "`metadata/quality.csv`"]
    if LabelFormat.CHEXPERT_CSV in spec.delivery.label_formats:
        tables.append('`metadata/chexpert.csv` (readers who differ give "possible")')
    if LabelFormat.COCO in spec.delivery.label_formats:
        tables.append("`metadata/coco.json`")
    if spec.taxonomy().name == NIH:
        tables.append("`metadata/nih.csv` (present findings only)")
    objects = [
        f"- `{folder}/*.dcm`: {what}, an object for each image that has any"
        for form, folder, what in (
            (LabelFormat.DICOM_SEG, "seg", "marks of present findings as DICOM SEG"),
            (LabelFormat.DICOM_SR, "sr", "labels and outlines as DICOM SR, TID 1500"),
        )
        if form in spec.delivery.label_formats
    ]
    sentences = [
        f"# {facts.title}: release {facts.number}\n",
        f"Prepared for {facts.published_for} on {facts.date} through GetDATA.",
        f"{_count(len(images), 'image')} of {_count(len(patients), 'patient')} "
        f"from {_count(len({image.site for image in images}), 'site')}.\n",
        "## What was asked for\n",
        asked,
        f"\nThe specification is version {facts.spec_version}, in `spec.json`; "
        f"the SHA-256 of its canonical JSON is `{facts.spec_sha256}`.",
        "\n## What is here\n",
        _counts("View", (str(image.facts.get("view") or "") for image in images)),
        _counts("Sex", (str(image.facts.get("sex") or "") for image in images)),
        _counts("Manufacturer", (str(image.facts.get("manufacturer") or "") for image in images)),
        _counts("Site", (image.site for image in images)),
        "\n## Labels\n",
        labels,
        _sources(images),
        "\nStates are present, likely, possible, absent and not_mentioned; each row says its source and what is known "
        "of how it was made: readers behind it, board certification, whether they were blind to the report, and how disagreement was "
        "settled; an empty cell was not said. A reader's id is a pseudonym.",
        "\n## Files\n",
        "- `dicom/<patient>/<study>/<series>/*.dcm`: de-identified DICOM (all identifiers are keyed pseudonyms)",
        *pictures,
        *objects,
        f"- {', '.join(tables)}; a text cell that a spreadsheet would run as a formula begins with an apostrophe",
        "- `deidentification.json`: what was done, and what was withheld and why",
        "- `deid_certificate.json` (signed) and `.pdf`: the 18 HIPAA identifiers, what is kept, the recall measured with planted "
        "synthetic identities; `python -m deid verify-certificate` checks it and every file",
        "- `TERMS.md`: what you may do; `CHANGELOG.md`: what changed",
        "\nThe package is a BagIt bag: `python -m bagit --validate .` checks every byte.",
    ]
    if missing:
        sentences.append(f"\nAsked for and not included in this release: {', '.join(missing)}.")
    sentences.append(
        "\n## Not assessed\n\nShortcut learning, label noise and external validity were not audited for this release. "
        "Audit view, device and site against each label before you train on it."
    )
    return "\n".join(sentences) + "\n"
