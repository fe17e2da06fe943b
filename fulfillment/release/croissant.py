"""``croissant.json``: the release as Croissant 1.1 with its RAI vocabulary (MLCommons), so that a program finds files and records."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from fulfillment.release.columns import IMAGES, LABELS
from fulfillment.release.facts import PackageFacts
from fulfillment.release.survey import Survey, counted
from fulfillment.release.tables import Column
from requests_app.spec import ImageFormat, LabelFormat

CONFORMS = ["http://mlcommons.org/croissant/1.1", "http://mlcommons.org/croissant/RAI/1.0"]
#: The standard's own JSON-LD context (mlcommons.github.io/croissant/docs/croissant-spec-1.1.html).
CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "arrayShape": "cr:arrayShape",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "containedIn": "cr:containedIn",
    "cr": "http://mlcommons.org/croissant/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "description": {"@container": "@language"},
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileObject": "cr:fileObject",
    "fileProperty": "cr:fileProperty",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isArray": "cr:isArray",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "name": {"@container": "@language"},
    "parentField": "cr:parentField",
    "path": "cr:path",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_TYPES = {"text": "sc:Text", "whole": "sc:Integer", "number": "sc:Float", "yes_no": "sc:Boolean"}
_KINDS = {
    "csv": "text/csv",
    "parquet": "application/x-parquet",
    "json": "application/json",
    "html": "text/html",
    "md": "text/markdown",
}


def croissant(
    facts: PackageFacts, survey: Survey, files: Mapping[str, tuple[str, int]], biases: Sequence[str] = ()
) -> bytes:
    """The document for ``files``: path below ``data/`` -> SHA-256 and size. ``biases`` are what the audit found."""
    document = {
        "@context": CONTEXT,
        "@type": "sc:Dataset",
        "name": facts.name,
        "description": f"{facts.title}. {_extent(survey)} Prepared for {facts.published_for} through GetDATA.",
        "conformsTo": CONFORMS,
        "version": f"{facts.number}.0.0",
        "datePublished": facts.date,
        "dateCreated": facts.date,
        "license": "Data use agreement, in the file LICENSE",
        "citeAs": citation(facts),
        "creator": {"@type": "Organization", "name": "GetDATA"},
        "publisher": {"@type": "Organization", "name": "GetDATA"},
        "url": facts.address,
        "keywords": ["chest radiograph", "DICOM", "de-identified", *sorted(survey.findings())],
        "isLiveDataset": False,
        "distribution": [*_objects(files), *_sets(facts)],
        "recordSet": [
            _records(
                "images", IMAGES, "One record an image: what its header says, and where its file is.", ("image_id",)
            ),
            _records("labels", LABELS, "One record a statement about an image, with where it comes from.", ()),
        ],
        **_rai(facts, survey, biases),
    }
    return (json.dumps(document, indent=2, ensure_ascii=False) + "\n").encode()


def citation(facts: PackageFacts) -> str:
    """BibTeX."""
    title = "".join(letter for letter in facts.title if letter not in "{}\\")
    return (
        f"@misc{{{facts.name}, title={{{title}, release {facts.number}}}, author={{{{GetDATA}}}}, "
        f"year={{{facts.date[:4]}}}, note={{version {facts.number}.0.0}}"
        + (f", url={{{facts.address}}}" if facts.address else "")
        + "}"
    )


def _extent(survey: Survey) -> str:
    return (
        f"{counted(survey.images, 'chest radiograph')} of {counted(len(survey.patients), 'patient')} "
        f"from {counted(len(survey.sites), 'hospital')}, {counted(survey.labels, 'label')}."
    )


def _objects(files: Mapping[str, tuple[str, int]]) -> list[dict[str, Any]]:
    return [
        {
            "@type": "cr:FileObject",
            "@id": path,
            "name": path.rsplit("/", 1)[-1],
            "contentUrl": path,
            "contentSize": f"{size} B",
            "encodingFormat": _KINDS[path.rsplit(".", 1)[-1]],
            "sha256": digest,
        }
        for path, (digest, size) in sorted(files.items())
        if path.rsplit(".", 1)[-1] in _KINDS
    ]


def _sets(facts: PackageFacts) -> list[dict[str, Any]]:
    sets = [("dicom", "application/dicom", "dicom/**/*.dcm", "The images: de-identified DICOM.")]
    for form in facts.spec.delivery.image_formats:
        if form is not ImageFormat.DICOM:
            sets.append((form.value, "image/png", f"{form.value}/**/*.png", f"The same images as {form.plain}."))
    for label, folder in ((LabelFormat.DICOM_SEG, "seg"), (LabelFormat.DICOM_SR, "sr")):
        if label in facts.spec.delivery.label_formats:
            sets.append((folder, "application/dicom", f"{folder}/*.dcm", f"Labels as {label.plain}."))
    return [
        {
            "@type": "cr:FileSet",
            "@id": name,
            "name": name,
            "description": about,
            "encodingFormat": kind,
            "includes": pattern,
        }
        for name, kind, pattern, about in sets
    ]


def _records(name: str, columns: Sequence[Column], about: str, key: Sequence[str]) -> dict[str, Any]:
    fields = [
        {
            "@type": "cr:Field",
            "@id": f"{name}/{column.name}",
            "name": column.name,
            "description": column.about,
            "dataType": _TYPES[column.kind],
            "source": {"fileObject": {"@id": f"metadata/{name}.parquet"}, "extract": {"column": column.name}},
        }
        for column in columns
    ]
    keyed = {"key": [{"@id": f"{name}/{column}"} for column in key]} if key else {}
    return {"@type": "cr:RecordSet", "@id": name, "name": name, "description": about, **keyed, "field": fields}


def _rai(facts: PackageFacts, survey: Survey, biases: Sequence[str]) -> dict[str, Any]:
    spec = facts.spec
    lacking = [f"{count:,} without {name}" for name, count in survey.missing().items() if count]
    ways = [f"{method}: {counted(count, 'label')}" for method, count in sorted(survey.methods.items())]
    uses = [spec.purpose.intended_use.plain] if spec.purpose.intended_use else []
    if spec.purpose.description:
        uses.append(spec.purpose.description)
    return {
        "rai:dataCollection": "Radiographs taken in clinical care, chosen by each hospital to meet the specification in spec.json.",
        "rai:dataCollectionType": ["Secondary data analysis"],
        "rai:dataCollectionMissingData": ("; ".join(lacking) + ".")
        if lacking
        else "View, sex, age and maker are known of all.",
        "rai:dataCollectionRawData": "DICOM files of hospitals; they do not leave the portal's quarantine.",
        "rai:dataPreprocessingProtocol": [
            f"De-identified by DICOM PS3.15 Annex E, policy {', '.join(sorted(survey.policies - {''})) or 'not stated'}; "
            f"{counted(survey.masked, 'image')} with regions blacked out.",
            "Every image was checked against the specification, scored for quality and looked at by a reviewer.",
        ],
        "rai:dataAnnotationProtocol": ways or ["No labels were delivered."],
        "rai:annotationsPerItem": f"{survey.labels / max(1, survey.images):.1f} labels an image on average",
        "rai:annotatorDemographics": ["not stated"],
        "rai:machineAnnotationTools": sorted(survey.tools) or ["none stated"],
        "rai:dataBiases": list(biases) or ["Shortcut learning was not audited for this release."],
        "rai:dataLimitations": [
            "Hospitals chose the images to fill quotas: frequencies are not prevalences.",
            "Visible features of the body identify nobody by themselves, but were not altered.",
        ],
        "rai:dataUseCases": uses or ["not stated"],
        "rai:dataSocialImpact": "Re-identification is forbidden by the terms. See docs/standing_together.md for who is in the data.",
        "rai:personalSensitiveInformation": [
            "Health data, de-identified. Sex and age are kept where the policy keeps them; see deid_certificate.json."
        ],
        "rai:dataReleaseMaintenancePlan": "A correction or a withdrawal makes a new version; metadata/changes.csv says what changed.",
    }
