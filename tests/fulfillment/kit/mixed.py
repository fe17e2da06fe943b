"""A folder as hospitals send them: good images, bad ones, repeats, writing in the picture, junk, tables, an archive."""

from __future__ import annotations

import io
import zipfile
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from getdata.demo.burn import burn_text
from getdata.demo.dicomize import encode
from getdata.demo.phantom import make_phantom
from requests_app.spec import DatasetSpec
from tests.support.small import small_radiograph

SPEC: dict[str, Any] = {
    "title": "Frontal radiographs with pneumothorax",
    "projections": [{"view": "PA", "min_images": 4}, {"view": "AP", "min_images": 1}],
    "labels": {"taxonomy": "getdata-cxr", "findings": [{"finding": "Pneumothorax"}]},
    "image": {"short_side": {"min_px": 360}, "bits_stored": {"min": 10}, "upright": {"correct": False}},
    "reports": {"linkage": "optional"},
    "quotas": [
        {"finding": "Pneumothorax", "min": 2},
        {"sex": "F", "view": "PA", "unit": "patients", "min": 1, "max": 1},
    ],
}
UID = "1.2.826.0.1.99"


def spec() -> DatasetSpec:
    return DatasetSpec.model_validate(SPEC)


def good(seed: int, **header: Any) -> bytes:
    return small_radiograph(seed, side=400, **header)


@cache
def written_on() -> bytes:
    """A chest with a name in a corner."""
    chest = make_phantom(5, view="PA", size=(620, 600)).pixels
    burned = burn_text(chest, "SMITH JANE 12/04/1950", position=(20, 20), size=28, bits_stored=12).pixels
    return _chest(burned, 21)


@cache
def inverted() -> bytes:
    """A chest whose bones are dark though its header says otherwise."""
    chest = make_phantom(6, view="PA", size=(620, 600)).pixels
    return _chest((4095 - np.minimum(chest, 4095)).astype(np.uint16), 22)


def _chest(pixels: Any, number: int) -> bytes:
    header = {
        "PatientName": "SMITH^JANE", "PatientID": f"00{number:06d}", "PatientSex": "F", "PatientAge": "051Y", "ViewPosition": "PA",
        "BodyPartExamined": "CHEST", "StudyInstanceUID": f"{UID}.{number}.1", "SeriesInstanceUID": f"{UID}.{number}.2",
        "SOPInstanceUID": f"{UID}.{number}.3", "PixelSpacing": [0.6, 0.6], "StudyDate": "20240612",
    }  # fmt: skip
    return encode(pixels, header)


def files() -> dict[str, bytes]:
    """Relative path -> bytes, in the order in which they are judged."""
    bundle = io.BytesIO()
    with zipfile.ZipFile(bundle, "w") as out:
        out.writestr("inner/IM9", good(9, PatientSex="M"))
        out.writestr("inner/IM1", good(1))
    labels = (
        f"sop_instance_uid,finding,state,method,reader\n{UID}.1.3,Pneumothorax,present,single_reader,dr-a\n"
        f"{UID}.2.3,Pneumothorax,absent,single_reader,dr-a\n{UID}.2.3,Pneumothorax,present,single_reader,dr-a\n"
        f"{UID}.777.3,Pneumothorax,present,single_reader,dr-a\n{UID}.1.3,Gout,present,,\n"
    )
    reports = (
        f'study_instance_uid,text\n{UID}.1.1,"Chest PA. The lungs are clear. No pneumothorax."\n'
        f'{UID}.555.1,"Chest. No effusion."\nx,""\n'
    )
    return {
        "DOE_JANE/IM1": good(1),
        "DOE_JANE/IM2.dcm": good(2, ViewPosition="AP", Modality="CR"),
        "a lateral.dcm": good(3, ViewPosition="LL"),
        "again.dcm": good(1),
        "below/small.dcm": small_radiograph(4, side=330),
        "copy of IM1.dcm": good(1, SOPInstanceUID=f"{UID}.77.3"),
        "cut.dcm": good(8)[:20_000],
        "inverted.dcm": inverted(),
        "junk": bytes(range(256)) * 20,
        "other patient.dcm": good(6, StudyInstanceUID=f"{UID}.1.1"),
        "text.dcm": written_on(),
        "picture.png": b"\x89PNG\r\n\x1a\n" + b"\0" * 100,
        "viewer/start.exe": b"MZ" + b"\0" * 200,
        "todo.txt": b"ask Jane about the archive",
        "z.zip": bundle.getvalue(),
        "zz labels.csv": labels.encode(),
        "zz reports.csv": reports.encode(),
    }


def write(folder: Path) -> Path:
    for name, data in files().items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
