"""Radiographs to put into deliveries: real ones from ``../shared/data``, or phantoms.

A user's machine has none of the real ones; ``real_radiographs`` then raises ``NoRealData`` with a
reason that a test can skip with.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Final

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from getdata.demo.phantom import make_phantom

SHARED_DATA: Final = Path(__file__).resolve().parents[2] / ".." / "shared" / "data"
LONG_SIDE: Final = 1500
BITS_STORED: Final = 12
Pixels = NDArray[np.uint16]


class NoRealData(Exception):
    """The real radiographs are not on this machine; the message is the reason to skip with."""


@dataclass(frozen=True)
class Radiograph:
    """One picture and what is known about it.

    ``load()`` gives uint16 of shape (rows, columns), ``bits_stored`` bits used, MONOCHROME2.
    ``findings`` are in the NIH ChestX-ray14 vocabulary; empty means "No Finding".
    """

    name: str
    source: str
    patient: str
    study: int
    view: str
    sex: str
    age: int | None
    findings: tuple[str, ...]
    load: Callable[[], Pixels] = field(repr=False, compare=False)
    bits_stored: int = BITS_STORED


def real_radiographs() -> list[Radiograph]:
    """All rows of ``metadata.csv``, NIH first.  Raises NoRealData when the folder is absent."""
    table = SHARED_DATA / "metadata.csv"
    if not table.is_file():
        raise NoRealData("../shared/data/metadata.csv is absent: real radiographs are kept outside the project")
    with table.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    visits: dict[str, list[str]] = {}
    for row in rows:
        visits.setdefault(row["patient_id"], []).append(row["file"])
    return [
        Radiograph(
            name=Path(row["file"]).stem,
            source=row["file"].split("/")[1],
            patient=row["patient_id"],
            study=visits[row["patient_id"]].index(row["file"]),
            view="AP" if row["view"].startswith("AP") else row["view"],
            sex=row["sex"],
            age=int(float(row["age"])) if row["age"].replace(".", "").isdigit() else None,
            findings=tuple(f for f in row["findings"].split("|") if f and f != "No Finding"),
            load=partial(_load, SHARED_DATA / row["file"], number),
        )
        for number, row in enumerate(rows)
    ]


def phantom_radiographs(count: int, *, seed: int, long_side: int = 800) -> list[Radiograph]:
    """``count`` phantoms in place of real radiographs; every third patient comes twice."""
    rng = np.random.default_rng([seed, 9100])
    named = {
        "effusion": "Effusion", "pneumothorax": "Pneumothorax", "consolidation": "Consolidation",
        "nodule": "Nodule", "cardiomegaly": "Cardiomegaly",
    }  # fmt: skip
    result: list[Radiograph] = []
    patient = -1
    for number in range(count):
        again = number > 0 and number % 3 == 2
        patient += not again
        sex = "FM"[patient % 2]
        view = "AP" if rng.random() < 0.45 else "PA"
        finding = list(named)[int(rng.integers(0, 5))] if rng.random() < 0.6 else None
        age = 25 + (patient * 7) % 60
        size = (long_side, round(long_side * 0.84))
        result.append(
            Radiograph(
                name=f"phantom_{number:04d}",
                source="phantom",
                patient=f"phantom{patient}",
                study=1 if again else 0,
                view=view,
                sex=sex,
                age=age,
                findings=(named[finding],) if finding else (),
                load=partial(
                    _phantom,
                    seed * 1000 + number,
                    view,
                    sex,
                    age,
                    size,
                    (finding,) if finding else (),
                ),
            )
        )
    return result


def _phantom(seed: int, view: str, sex: str, age: int, size: tuple[int, int], findings: tuple[str, ...]) -> Pixels:
    return make_phantom(seed, view=view, sex=sex, age=age, size=size, findings=findings, bits_stored=BITS_STORED).pixels


def _load(path: Path, seed: int) -> Pixels:
    """An 8-bit picture at about 1,500 px with 12-bit values and the grain that they need."""
    with Image.open(path) as picture:
        image = np.asarray(picture.convert("L"))
    scale = LONG_SIDE / max(image.shape)
    size = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    large = cv2.resize(image.astype(np.float32), size, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).standard_normal(large.shape, dtype=np.float32)
    return np.clip(large * 15.8 + 24 + 5 * noise, 0, 4095).astype(np.uint16)
