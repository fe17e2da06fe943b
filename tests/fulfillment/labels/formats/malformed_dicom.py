"""Ways in which DICOM SR and SEG go wrong, each with the problem it must give."""

from __future__ import annotations

import copy
import io
from collections.abc import Callable
from typing import Any

import pydicom

from tests.fulfillment.labels.formats.malformed_files import Files, Way, put, transit
from tests.fulfillment.labels.formats.samples import COLUMNS, ROWS


def _dicom(format: str, change: Callable[[Any], object]) -> Callable[[], Files]:
    def edit(data: bytes) -> bytes:
        dataset = copy.deepcopy(pydicom.dcmread(io.BytesIO(data)))
        change(dataset)
        out = io.BytesIO()
        dataset.save_as(out)
        return out.getvalue()

    return put(format, edit)


def _set(format: str, **values: Any) -> Callable[[], Files]:
    return _dicom(format, lambda dataset: [setattr(dataset, key, value) for key, value in values.items()])


def seg() -> dict[str, Way]:
    name = "dicom-seg"

    def frame(dataset: Any) -> Any:
        return dataset.PerFrameFunctionalGroupsSequence[0]

    def identified(dataset: Any) -> Any:
        shared = dataset.SharedFunctionalGroupsSequence[0]
        return (shared if "SegmentIdentificationSequence" in shared else frame(dataset)).SegmentIdentificationSequence[
            0
        ]

    def without_source(dataset: Any) -> None:
        del frame(dataset).DerivationImageSequence
        del dataset.ReferencedSeriesSequence

    return {
        **transit(name, text=False),
        "an image": (_set(name, SOPClassUID="1.2.840.10008.5.1.4.1.1.1"), "NOT_SEG"),
        "no segments": (_set(name, SegmentSequence=[]), "NO_SEGMENTS"),
        "segment without number": (_dicom(name, lambda d: delattr(d.SegmentSequence[0], "SegmentNumber")), "SEGMENT_NUMBER"),
        "segment number 0": (_dicom(name, lambda d: setattr(d.SegmentSequence[0], "SegmentNumber", 0)), "SEGMENT_NUMBER"),
        "segment twice": (_dicom(name, lambda d: d.SegmentSequence.append(copy.deepcopy(d.SegmentSequence[0]))), "SEGMENT_TWICE"),
        "segment marked nowhere": (
            _dicom(name, lambda d: d.SegmentSequence.append(_numbered(d.SegmentSequence[0], 2))),
            "SEGMENT_EMPTY",
        ),
        "segment without name": (
            _dicom(name, lambda d: (setattr(d.SegmentSequence[0], "SegmentLabel", ""),
                                    delattr(d.SegmentSequence[0], "SegmentedPropertyTypeCodeSequence"))),
            "FINDING_MISSING",
        ),
        "finding unknown": (
            _dicom(name, lambda d: (setattr(d.SegmentSequence[0], "SegmentLabel", "Wonder"),
                                    delattr(d.SegmentSequence[0], "SegmentedPropertyTypeCodeSequence"))),
            "FINDING_UNKNOWN",
        ),
        "frame of no segment": (
            _dicom(name, lambda d: setattr(identified(d), "ReferencedSegmentNumber", 9)),
            "SEGMENT_UNKNOWN",
        ),
        "no source": (_dicom(name, without_source), "NO_SOURCE"),
        "no rows": (_set(name, Rows=0), "SIZE_TOO_LARGE"),
        "rows beyond any image": (_set(name, Rows=65535, Columns=65535), "SIZE_TOO_LARGE"),
        "frames beyond any object": (_set(name, NumberOfFrames=2_000_000_000), "SIZE_TOO_LARGE"),
        "frames more than described": (_set(name, NumberOfFrames=2, PixelData=bytes(ROWS * COLUMNS // 4)), "FRAMES_DIFFER"),
        "negative frames": (_set(name, NumberOfFrames=-1), "SIZE_TOO_LARGE"),
        "pixels short": (_set(name, PixelData=b"\0\0"), "PIXELS_SHORT"),
        "no pixels": (_dicom(name, lambda d: delattr(d, "PixelData")), "NO_PIXELS"),
        "nothing marked": (_set(name, PixelData=bytes(ROWS * COLUMNS // 8)), "MASK_EMPTY"),
        "bits of another kind": (_set(name, BitsAllocated=16), "BITS"),
        "another kind": (_set(name, SegmentationType="FRACTIONAL"), "BITS"),
        "tiles": (_set(name, TotalPixelMatrixRows=50), "TILED"),
        "another image's size": (_set(name, Rows=COLUMNS, Columns=ROWS), "MASK_SIZE"),
        "image that is not here": (
            _dicom(name, lambda d: setattr(
                frame(d).DerivationImageSequence[0].SourceImageSequence[0], "ReferencedSOPInstanceUID", "2.25.1")),
            "IMAGE_UNMATCHED",
        ),
    }  # fmt: skip


def _numbered(segment: Any, number: int) -> Any:
    fresh = copy.deepcopy(segment)
    fresh.SegmentNumber = number
    return fresh


def sr() -> dict[str, Way]:
    name = "dicom-sr"

    def group(dataset: Any) -> Any:
        measurements = next(i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "126010")
        return measurements.ContentSequence[0]

    def region(dataset: Any) -> Any:
        return next(item for item in group(dataset).ContentSequence if item.ValueType == "SCOORD")

    def without(dataset: Any, code: str) -> None:
        node = group(dataset)
        node.ContentSequence = [i for i in node.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue != code]

    def no_finding(dataset: Any) -> None:
        without(dataset, "121071")
        without(dataset, "121052")

    def rename(dataset: Any) -> None:
        finding = next(i for i in group(dataset).ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "121071")
        finding.ConceptCodeSequence[0].CodeMeaning = "Wonder"

    def nest(dataset: Any) -> None:
        node = group(dataset)
        for _ in range(30):
            inner = pydicom.Dataset()
            inner.ValueType = "CONTAINER"
            node.ContentSequence = [*node.ContentSequence, inner]
            node = inner
            node.ContentSequence = []

    def graphic(**values: Any) -> Callable[[], Files]:
        return _dicom(name, lambda d: [setattr(region(d), key, value) for key, value in values.items()])

    def twice(dataset: Any) -> None:
        measurements = next(i for i in dataset.ContentSequence if i.ConceptNameCodeSequence[0].CodeValue == "126010")
        measurements.ContentSequence.append(copy.deepcopy(measurements.ContentSequence[0]))

    return {
        **transit(name, text=False),
        "an image": (_set(name, SOPClassUID="1.2.840.10008.5.1.4.1.1.1"), "NOT_SR"),
        "no content": (_set(name, ContentSequence=[]), "NO_CONTENT"),
        "no groups": (_dicom(name, lambda d: setattr(d, "ContentSequence", d.ContentSequence[:1])), "NO_GROUPS"),
        "no finding": (_dicom(name, no_finding), "FINDING_MISSING"),
        "finding unknown": (_dicom(name, rename), "FINDING_UNKNOWN"),
        "no image": (_dicom(name, lambda d: delattr(region(d), "ContentSequence")), "NO_SOURCE"),
        "image no UID": (
            _dicom(name, lambda d: setattr(
                region(d).ContentSequence[0].ReferencedSOPSequence[0], "ReferencedSOPInstanceUID", "")),
            "NO_SOURCE",
        ),
        "image that is not here": (
            _dicom(name, lambda d: setattr(
                region(d).ContentSequence[0].ReferencedSOPSequence[0], "ReferencedSOPInstanceUID", "2.25.1")),
            "IMAGE_UNMATCHED",
        ),
        "in millimetres": (graphic(ValueType="SCOORD3D"), "REGION_3D"),
        "a point": (graphic(GraphicType="POINT", GraphicData=[1.0, 2.0]), "GRAPHIC_TYPE"),
        "a line": (graphic(GraphicData=[1.0, 2.0, 5.0, 6.0]), "GRAPHIC_TYPE"),
        "unknown type": (graphic(GraphicType="STAR"), "GRAPHIC_TYPE"),
        "circle of one point": (graphic(GraphicType="CIRCLE", GraphicData=[1.0, 2.0]), "GRAPHIC_TYPE"),
        "ellipse of three": (graphic(GraphicType="ELLIPSE", GraphicData=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]), "GRAPHIC_TYPE"),
        "odd numbers": (graphic(GraphicData=[1.0, 2.0, 3.0]), "GRAPHIC_DATA"),
        "no numbers": (graphic(GraphicData=[]), "GRAPHIC_DATA"),
        "not numbers": (graphic(GraphicData=[float("nan"), 2.0, 3.0, 4.0, 5.0, 9.0]), "NUMBER_NOT_FINITE"),
        "beyond any image": (graphic(GraphicData=[1e12, 2.0, 3.0, 4.0, 5.0, 9.0]), "NUMBER_TOO_LARGE"),
        "outline on a line": (graphic(GraphicData=[1.0, 1.0, 2.0, 2.0, 3.0, 3.0]), "POLYGON_EMPTY"),
        "outside": (graphic(GraphicData=[900.0, 1.0, 950.0, 1.0, 920.0, 30.0]), "BOX_OUTSIDE"),
        "circle of nothing": (graphic(GraphicType="CIRCLE", GraphicData=[5.0, 5.0, 5.0, 5.0]), "POLYGON_TOO_FEW"),
        "nested deep": (_dicom(name, nest), "NESTED_TOO_DEEP"),
        "twice": (_dicom(name, twice), "REPEATED"),
    }  # fmt: skip
