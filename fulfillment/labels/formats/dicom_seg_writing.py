"""Writing DICOM Segmentations: one for each image, a segment a region, overlapping or not."""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from fulfillment.labels.formats import dicom
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Written
from fulfillment.labels.formats.provenance import safe_name
from requests_app.taxonomy import LabelState, Taxonomy


def write(
    entries: Sequence[Entry],
    taxonomy: Taxonomy,
    sources: Mapping[ImageRef, dicom.DicomSource],
    *,
    fractional: bool = False,
) -> Written:
    """``seg/NAME.dcm`` for each image, a segment a region, BINARY (or FRACTIONAL with 0 and 255), referring to the image.

    UIDs follow from the image and the labels, so the same labels give the same file but for its times.
    """
    left: list[Problem] = []
    regions: dict[dicom.DicomSource, list[Entry]] = defaultdict(list)
    for place, entry in enumerate(entries, start=1):
        source = sources.get(entry.image)
        if entry.key not in taxonomy or entry.shape is None or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(place, "NO_PLACE", "SEG marks regions of present findings only.", "Export SR or a table too.")
            )
        elif source is None:
            left.append(
                Problem(place, "SOURCE_UNKNOWN", "The image's DICOM is not there to refer to.", "Give the images.")
            )
        elif entry.shape.kind == "mask" and entry.shape.size != source.size:
            left.append(Problem(place, "MASK_SIZE", "The mask has another size than its image.", "Scale it first."))
        elif not entry.shape.to_mask(*source.size).any():
            left.append(Problem(place, "MASK_EMPTY", "The region holds the centre of no pixel.", "Export COCO too."))
        else:
            if entry.shape.kind != "mask":
                left.append(
                    Problem(place, "DRAWN_AS_MASK", "The outline was drawn as a mask.", "Export COCO to keep it.")
                )
            regions[source].append(entry)
    files = {
        f"seg/{safe_name(source.sop_instance_uid)}.dcm": _object(source, group, taxonomy, fractional)
        for source, group in regions.items()
    }
    return Written(files, tuple(left))


def _object(source: dicom.DicomSource, group: Sequence[Entry], taxonomy: Taxonomy, fractional: bool) -> bytes:
    import highdicom as hd

    masks = np.stack([entry.shape.to_mask(*source.size) for entry in group if entry.shape is not None], axis=-1)
    descriptions = [_described(number, entry, taxonomy) for number, entry in enumerate(group, start=1)]
    identity = [source.sop_instance_uid, *(f"{e.key}{e.reader}{e.method}{e.shape and e.shape.counts}" for e in group)]
    segmentation = hd.seg.Segmentation(
        source_images=[source.dataset()],
        pixel_array=masks[np.newaxis].astype(np.float32 if fractional else np.uint8),
        segmentation_type=hd.seg.SegmentationTypeValues.FRACTIONAL
        if fractional
        else hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=dicom.derived_uid("seg series", *identity),
        series_number=900,
        sop_instance_uid=dicom.derived_uid("seg", *identity),
        instance_number=1,
        manufacturer="GetDATA",
        manufacturer_model_name="labels",
        software_versions="1",
        device_serial_number="1",
        content_label="FINDINGS",
    )
    for item, entry in zip(segmentation.SegmentSequence, group, strict=True):
        item.SegmentDescription = dicom.note_of(entry)
    out = io.BytesIO()
    segmentation.save_as(out)
    return out.getvalue()


def _described(number: int, entry: Entry, taxonomy: Taxonomy) -> Any:
    import highdicom as hd
    from pydicom.sr.codedict import codes

    finding = taxonomy[entry.key]
    tool = entry.note("tool")
    kinds = hd.seg.SegmentAlgorithmTypeValues
    algorithm = None
    if tool:
        algorithm = hd.AlgorithmIdentificationSequence(
            name=tool[:64],
            family=codes.DCM.ArtificialIntelligence,
            version=(entry.note("tool_version") or "not stated")[:64],
        )
    return hd.seg.SegmentDescription(
        segment_number=number,
        segment_label=finding.name[:64],
        segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
        segmented_property_type=dicom.coded(finding),
        algorithm_type=kinds.SEMIAUTOMATIC if tool else kinds.MANUAL,
        algorithm_identification=algorithm,
        tracking_uid=dicom.derived_uid("region", str(number), entry.key, entry.image.value),
        tracking_id=f"{finding.key} {number}"[:64],
    )
