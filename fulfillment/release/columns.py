"""The columns of the tables of a release. The first ones are what ``getdata audit`` reads."""

from __future__ import annotations

from typing import Any

from fulfillment.release.facts import ReleasedImage
from fulfillment.release.labels import ReleasedLabel
from fulfillment.release.tables import Column
from requests_app.taxonomy import Taxonomy

IMAGES = (
    Column("image_id", about="the image: its replaced SOPInstanceUID"),
    Column("patient_id", about="pseudonym of the patient, within one hospital"),
    Column("site", about="code of the hospital"),
    Column("vendor", about="maker of the device"),
    Column("model", about="model of the device"),
    Column("view", about="projection: PA, AP, LL, LATERAL"),
    Column("sex", about="F, M or O, as the header says"),
    Column("age", "number", "age in years; over 89 as the policy has it"),
    Column("path", about="the DICOM file, below data/"),
    Column("sha256", about="SHA-256 of the DICOM file"),
    Column("size", "whole", "bytes of the DICOM file"),
    Column("study_uid", about="replaced StudyInstanceUID"),
    Column("series_uid", about="replaced SeriesInstanceUID"),
    Column("sop_class_uid", about="SOPClassUID"),
    Column("modality", about="Modality: CR or DX"),
    Column("body_part", about="BodyPartExamined"),
    Column("view_source", about="the attribute that says the view"),
    Column("view_conflict", about="views that other attributes say, joined by |"),
    Column("position", about="erect or supine"),
    Column("position_source", about="the attribute that says the position"),
    Column("portable", "yes_no", "taken with a portable device"),
    Column("portable_source", about="the attribute that says so"),
    Column("manufacturer", about="Manufacturer, as the header says"),
    Column("rows", "whole", "Rows, in pixels"),
    Column("columns", "whole", "Columns, in pixels"),
    Column("frames", "whole", "NumberOfFrames"),
    Column("samples_per_pixel", "whole", "SamplesPerPixel"),
    Column("bits_allocated", "whole", "BitsAllocated"),
    Column("bits_stored", "whole", "BitsStored"),
    Column("pixel_representation", "whole", "PixelRepresentation"),
    Column("photometric", about="PhotometricInterpretation"),
    Column("row_spacing_mm", "number", "distance of rows in mm"),
    Column("column_spacing_mm", "number", "distance of columns in mm"),
    Column("spacing_source", about="the attribute that says the spacing"),
    Column("transfer_syntax_uid", about="TransferSyntaxUID"),
    Column("lossy", "yes_no", "compressed with loss at some time"),
    Column("lossy_source", about="the attribute that says so"),
    Column("window_present", "yes_no", "the header has a window"),
    Column("presentation_intent", about="PresentationIntentType"),
    Column("burned_in_annotation", about="BurnedInAnnotation, as the header said"),
    Column("kvp", "number", "KVP, in kV"),
    Column("exposure_index", "number", "ExposureIndex"),
    Column("acquisition_year", "whole", "year, where the policy keeps it"),
    Column("year_source", about="the attribute that says the year"),
    Column("masked_regions", "whole", "regions that de-identification blacked out"),
)

LABELS = (
    Column("image_id", about="the image: its replaced SOPInstanceUID"),
    Column("finding", about="name in the label list of the request"),
    Column("state", about="present, likely, possible, absent or not_mentioned"),
    Column("source", about="how it was made; empty: not said"),
    Column("reader", about="pseudonym of the reader; empty: not said, or several together"),
    Column("adjudicated", "yes_no", "readers who differed were settled by a stated rule"),
    Column("patient_id", about="pseudonym of the patient, within one hospital"),
    Column("site", about="code of the hospital"),
    Column("path", about="the DICOM file, below data/"),
    Column("readers", "whole", "people who stand behind the state"),
    Column("board_certified", "yes_no", "the readers are board-certified"),
    Column("blind_to_report", "yes_no", "they did not see the report"),
    Column("adjudication", about="how disagreement was settled"),
    Column("consensus", "yes_no", "speaks for the readers together"),
    Column("tool", about="software that made it"),
    Column("tool_version", about="its version"),
    Column("laterality", about="R, L or B (both), the patient's side"),
    Column("marks", about="kinds of the shapes it has in annotations.parquet, joined by |"),
    Column("key", about="the finding's key in the label list"),
    Column("snomed_ct", about="SNOMED CT code of the finding"),
    Column("radlex", about="RadLex code"),
    Column("umls", about="UMLS code"),
)

_CODES = {"snomed_ct": "SCT", "radlex": "RADLEX", "umls": "UMLS"}


def image_row(image: ReleasedImage) -> dict[str, Any]:
    """The values of ``IMAGES``."""
    facts = image.facts
    spacing = facts.get("spacing_mm") or (None, None)
    return {
        **{column.name: facts.get(column.name) for column in IMAGES},
        "image_id": image.image_id,
        "patient_id": image.patient_id,
        "site": image.site,
        "age": facts.get("age_years"),
        "path": image.path,
        "sha256": image.sha256,
        "size": image.size or None,
        "view_conflict": "|".join(str(view) for view in facts.get("view_conflict") or ()),
        "row_spacing_mm": spacing[0],
        "column_spacing_mm": spacing[1],
        "masked_regions": image.masks,
    }


def label_row(image: ReleasedImage, label: ReleasedLabel, taxonomy: Taxonomy) -> dict[str, Any]:
    """The values of ``LABELS``. A label given for an earlier version of the specification may have no key in this one."""
    finding = taxonomy.find(label.finding)
    codes = {name: finding.code(system) if finding else None for name, system in _CODES.items()}
    return {
        "image_id": image.image_id,
        "finding": label.finding,
        "state": label.state,
        "source": label.source,
        "reader": label.reader,
        "adjudicated": True if label.adjudication not in ("", "none") or label.source == "adjudicated" else None,
        "patient_id": image.patient_id,
        "site": image.site,
        "path": image.path,
        "readers": label.readers,
        "board_certified": label.board_certified,
        "blind_to_report": label.blind_to_report,
        "adjudication": label.adjudication,
        "consensus": True if label.is_consensus else None,
        "tool": label.tool,
        "tool_version": label.tool_version,
        "laterality": label.laterality,
        "marks": "|".join(mark.kind for mark in label.marks),
        "key": finding.key if finding else "",
        **{name: code.code if code else "" for name, code in codes.items()},
    }
