"""Radiology reports of the demonstration: what the phantoms show, in a radiologist's words, with invented identity to take out."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Mapping, Sequence
from typing import Any

Box = tuple[int, int, int, int]

_SEEN = {
    "Pleural effusion": (
        "{Side} pleural effusion, small.",
        "There is a {side} pleural effusion with blunting of the angle.",
    ),
    "Pneumothorax": ("{Side} pneumothorax.", "Small {side} pneumothorax without shift of the mediastinum."),
    "Nodule": ("Nodule in the {side} lung, about 2 cm.", "A round nodule projects over the {side} lung."),
}
_NOT_SEEN = {"Pleural effusion": "pleural effusion", "Pneumothorax": "pneumothorax", "Nodule": "nodule"}
_DEVICES = {
    "pacemaker": "Pacemaker with leads in place.",
    "central_line": "Central venous line with its tip over the superior vena cava.",
    "ecg_leads": "ECG leads overlie the chest.",
}


def report_of(
    header: Mapping[str, Any],
    boxes: Mapping[str, Sequence[Box]],
    devices: Sequence[str],
    width: int,
    rng: random.Random,
) -> dict[str, str]:
    """A row of the report table: the study's original UID and the text. ``boxes``: by finding, in pixels of ``width`` columns."""
    family, given = str(header["PatientName"]).split("^")
    day = str(header["StudyDate"])
    findings = [_sentence(name, boxes[name], width, rng) for name in boxes]
    absent = [_NOT_SEEN[name] for name in _NOT_SEEN if name not in boxes]
    if absent:
        findings.append(f"No {' or '.join(absent)}.")
    findings += [_DEVICES[name] for name in devices]
    findings.append("Heart size is normal.")
    summary = " ".join(_sentence(name, boxes[name], width, rng) for name in boxes) or "No acute finding."
    lines = (
        f"Patient: {given.title()} {family.title()}, examined on {day[6:]}.{day[4:6]}.{day[:4]}.",
        "INDICATION: Cough.",
        f"FINDINGS: {' '.join(findings)}",
        f"IMPRESSION: {summary}",
        f"Signed by Dr. {str(header['ReferringPhysicianName']).split('^')[0].title()}",
    )
    return {"study_instance_uid": str(header["StudyInstanceUID"]), "text": "\n".join(lines)}


def _sentence(name: str, boxes: Sequence[Box], width: int, rng: random.Random) -> str:
    # The patient's right is on the picture's left.
    left, _, wide, _ = boxes[0]
    side = "right" if left + wide / 2 < width / 2 else "left"
    return rng.choice(_SEEN[name]).format(side=side, Side=side.title())


def report_table(rows: Sequence[Mapping[str, str]]) -> bytes:
    """The table as a hospital would send it."""
    out = io.StringIO()
    writer = csv.DictWriter(out, ("study_instance_uid", "text"))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
