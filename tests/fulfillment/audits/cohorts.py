"""Made-up cohorts: nulls in which nothing is tied to anything, and cohorts with a planted shortcut of known strength."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import cv2
import numpy as np

Tie = Literal["", "site", "view", "device", "reader", "corner", "support_device", "border"]
FINDINGS = ("Pneumonia", "Cardiomegaly", "Pleural Effusion")
DEVICES = (("Siemens", "Fluorospot"), ("Philips", "DigitalDiagnost"), ("GE", "Discovery XR656"), ("Agfa", "DX-D 600"))


@dataclass
class Made:
    """Rows of images.csv and labels.csv, and the pictures (64 x 64, 8 bit) by image."""

    images: list[dict[str, Any]]
    labels: list[dict[str, Any]]
    pictures: dict[str, np.ndarray[Any, Any]] = field(default_factory=dict)

    def write(self, folder: Path) -> Path:
        """As a folder that `getdata audit` takes."""
        folder.mkdir(parents=True, exist_ok=True)
        for name, picture in self.pictures.items():
            cv2.imwrite(str(folder / f"{name}.png"), picture)
        for row in self.images:
            if row["image_id"] in self.pictures:
                row["path"] = f"{row['image_id']}.png"
        for file, rows in (("images.csv", self.images), ("labels.csv", self.labels)):
            with (folder / file).open("w", encoding="utf-8", newline="") as stream:
                writer = csv.DictWriter(stream, list(rows[0]) if rows else ["image_id", "finding", "state"])
                writer.writeheader()
                writer.writerows(rows)
        return folder


def make(
    n: int = 2000,
    *,
    tie: Tie = "",
    strength: float = 0.3,
    seed: int = 0,
    per_patient: float = 1.3,
    prevalence: float = 0.25,
    findings: tuple[str, ...] = FINDINGS,
    sites: int = 4,
    pictures: bool = False,
    side: int = 64,
) -> Made:
    """A cohort of n images. With ``tie``, the first finding goes with it: the probability that the tied thing follows the label,
    instead of being drawn like everywhere else, is ``strength``.
    """
    rng = np.random.default_rng(seed)
    patient = np.sort(rng.integers(max(1, round(n / per_patient)), size=n))
    people = int(patient.max()) + 1 if n else 0
    label = (rng.random((people, len(findings))) < prevalence)[patient]
    first = label[:, 0]
    follows = rng.random(people)[patient] < strength
    site = _tied(rng.integers(sites, size=people)[patient], first, follows & (tie == "site"))
    machine = _tied(rng.integers(len(DEVICES), size=people)[patient], first, follows & (tie == "device"))
    view = _tied(rng.integers(2, size=n), first, follows & (tie == "view"))
    reader = _tied(rng.integers(5, size=n), first, follows & (tie == "reader"))
    sex, age = rng.integers(2, size=people)[patient], rng.integers(18, 95, size=people)[patient]
    images, labels = [], []
    for at in range(n):
        vendor, model = DEVICES[machine[at]]
        images.append(
            {
                "image_id": f"i{at:06}",
                "patient_id": f"p{patient[at]:06}",
                "site": f"site-{site[at] + 1:02}",
                "vendor": vendor,
                "model": model,
                "view": ("PA", "AP")[view[at]],
                "sex": "FM"[sex[at]],
                "age": f"{age[at]:03}Y" if rng.random() > 0.03 else "",
            }
        )
        for number, name in enumerate(findings):
            labels.append(
                {
                    "image_id": f"i{at:06}",
                    "finding": name,
                    "state": "present" if label[at, number] else "absent",
                    "source": "single_reader",
                    "reader": f"r{reader[at] + 1}",
                }
            )
    if tie == "support_device":
        worn = np.where(follows, first, rng.random(n) < 0.3)
        labels += [
            {
                "image_id": f"i{at:06}",
                "finding": "Support Devices",
                "state": ("absent", "present")[int(worn[at])],
                "source": "single_reader",
                "reader": f"r{reader[at] + 1}",
            }
            for at in range(n)
        ]
    made = Made(images, labels)
    if pictures:
        marked = np.where(follows, first, rng.random(n) < 0.5) if tie == "corner" else rng.random(n) < 0.5
        framed = np.where(follows, first, rng.random(n) < 0.5) if tie == "border" else np.zeros(n, dtype=bool)
        for at in range(n):
            made.pictures[f"i{at:06}"] = phantom(rng, marked=bool(marked[at]), framed=bool(framed[at]), side=side)
    return made


def _tied(
    drawn: np.ndarray[Any, Any], label: np.ndarray[Any, Any], follows: np.ndarray[Any, Any]
) -> np.ndarray[Any, Any]:
    """What was drawn; where it follows the label, the first value without the finding and the second with it."""
    return np.where(follows, label.astype(int), drawn)


def phantom(rng: np.random.Generator, *, marked: bool, framed: bool, side: int = 64) -> np.ndarray[Any, Any]:
    """Something like a chest: two dark lungs in a bright body, noise; a marker in an upper corner, a bright frame."""
    y, x = np.mgrid[0:side, 0:side] / side
    shift = rng.normal(0, 0.02, 4)
    body = np.exp(-(((x - 0.5 + shift[0]) / 0.42) ** 4 + ((y - 0.6) / 0.55) ** 4))
    lungs = sum(np.exp(-(((x - c + shift[1]) / 0.14) ** 2 + ((y - 0.5 + shift[2]) / 0.26) ** 2)) for c in (0.3, 0.7))
    picture = 200 * body - 120 * lungs * body + rng.normal(0, 12, (side, side)) + rng.normal(0, 8)
    if marked:
        size = max(2, side // 16)
        top, left = rng.integers(1, side // 10 + 2, size=2)
        picture[top : top + size, left : left + size] = 245
    if framed:
        picture[:2], picture[-2:] = 90, 90
    return np.clip(picture, 0, 255).astype(np.uint8)
