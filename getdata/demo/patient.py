"""What differs between patients and views, and the picture of one that is being drawn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from getdata.demo.canvas import Array, Canvas

RIGHT, LEFT = -1.0, 1.0


@dataclass
class Anatomy:
    """A drawn patient.  ``tissue`` is soft-tissue-equivalent path in mm, ``metal`` is 0 to 1."""

    canvas: Canvas
    tissue: Array
    lung: Array  # 0 to 1: aerated lung as seen in projection
    lung_depth: Array  # mm of lung crossed
    metal: Array
    vessels: Array
    landmarks: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Build:
    """What differs between patients and between views."""

    sex: str
    age: int
    width: float  # of the thorax, 1 is a man's
    dome_right: float  # y in mm
    dome_left: float
    heart: float  # cardiothoracic ratio asked for
    thickness: float  # mm of body at the chest
    tilt: float  # how steeply ribs fall, 1 is PA
    clavicle_lift: float  # mm upwards
    scapula_shift: float  # mm towards the midline
    centre_shift: float  # rotation: mediastinal shift in mm

    @classmethod
    def draw(cls, rng: np.random.Generator, *, view: str, sex: str, age: int, cardiomegaly: bool) -> Build:
        """A plausible patient for this seed."""
        ap = view == "AP"
        heart = rng.normal(0.45, 0.02) + (0.05 if ap else 0) + max(0, age - 60) * 0.001
        heart = min(heart, 0.54 if ap else 0.49)
        enlarged = rng.uniform(0.58, 0.66)
        if cardiomegaly:
            heart = enlarged
        dome = rng.normal(206, 5) - (15 if ap else 0)
        return cls(
            sex=sex,
            age=age,
            width=(0.9 if sex == "F" else 1.0) * rng.normal(1, 0.025),
            dome_right=dome,
            dome_left=dome + rng.uniform(6, 15),
            heart=float(heart),
            thickness=rng.normal(218 if sex == "M" else 200, 12),
            tilt=rng.uniform(0.9, 1.08) * (0.78 if ap else 1),
            clavicle_lift=rng.uniform(-3, 4) + (16 if ap else 0),
            scapula_shift=rng.uniform(0, 8) + (38 if ap else 0),
            centre_shift=rng.normal(0, 2.5 if ap else 1.2),
        )

    def lateral(self, y: Array | float) -> Array:
        """Half width of the inner thorax at height y, in mm."""
        ys = [-6, 0, 10, 28, 50, 85, 125, 165, 200, 250, 330]
        xs = [30, 48, 66, 88, 105, 121, 131, 136, 138, 137, 136]
        return np.asarray(np.interp(y, ys, xs), np.float32) * self.width
