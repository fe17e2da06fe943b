"""The ways in which files of every format but tables go wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tests.fulfillment.labels.formats.malformed_dicom import seg, sr
from tests.fulfillment.labels.formats.malformed_files import Way, coco, nifti, png, voc, yolo

WAYS: Mapping[str, Callable[[], dict[str, Way]]] = {
    "coco": coco,
    "voc": voc,
    "yolo": yolo,
    "dicom-seg": seg,
    "dicom-sr": sr,
    "png-masks": png,
    "nifti-masks": nifti,
}
