"""Radiographs of one CT of a chest, rendered by ray sums from many sides, each with a body of its own.

The CT is read from two NIfTI files (Hounsfield units, and the structure masks of TotalSegmentator v2); it is not part of
the project. Each rendering bends, stretches and fattens the body, fills lobes with fluid, enlarges the heart and turns
the patient a little, so that one person stands for many.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch.nn import functional

Maps = NDArray[np.float32]
SIDE = 128
FIELD_MM = 420.0
_DEPTH = 64
_VOXEL_MM = 2.8
_LUNGS, _TRACHEA, _HEART = (10, 11, 12, 13, 14), 16, (51, 61)
_BONES = (*range(25, 51), *range(69, 79), 91, *range(92, 119))


@dataclass
class Body:
    """Density relative to water on a grid of 2.8 mm, axes (superior, anterior, left), and what a rendering may change."""

    soft: torch.Tensor
    bone: torch.Tensor
    air: torch.Tensor  # lungs and trachea: their own density
    lobes: torch.Tensor  # 0, or 1 to 5
    outside_mm: torch.Tensor  # distance from the skin, outwards
    heart: NDArray[np.float64]  # its middle, in the grid's units


def load_body(ct: Path, mask: Path) -> Body:
    """Read the CT and its structure masks; the table is left out. Arrays are (left, anterior, superior) in the files."""
    import nibabel

    image: Any = nibabel.load(ct)
    masks: Any = nibabel.load(mask)
    zooms = [float(z) for z in image.header.get_zooms()[:3]]
    factors = [z / _VOXEL_MM for z in zooms]
    hounsfield = ndimage.zoom(np.asarray(image.dataobj, dtype=np.float32), factors, order=1)
    labels = ndimage.zoom(np.asarray(masks.dataobj), factors, order=0)
    body = ndimage.binary_opening(hounsfield > -400, iterations=2)
    parts, _ = ndimage.label(body)
    body = parts == np.argmax(np.bincount(parts.ravel())[1:]) + 1
    lungs = np.isin(labels, _LUNGS) | (labels == _TRACHEA)
    skin = ndimage.binary_fill_holes(ndimage.binary_dilation(body | lungs, iterations=1))
    density = np.clip((hounsfield + 1000) / 1000, 0, 2.6) * skin
    bones = np.isin(labels, _BONES)
    soft = np.where(lungs | bones, 0, np.minimum(density, 1.08))
    lobes = np.zeros(labels.shape, np.float32)
    for number, label in enumerate(_LUNGS, 1):
        lobes[labels == label] = number
    heart = np.argwhere(np.isin(labels, _HEART)).mean(axis=0)[::-1]

    def turned(values: NDArray[np.generic]) -> torch.Tensor:
        return torch.from_numpy(np.ascontiguousarray(values.transpose(2, 1, 0), dtype=np.float32))

    return Body(
        soft=turned(soft), bone=turned(density * bones), air=turned(density * lungs), lobes=turned(lobes),
        outside_mm=turned(ndimage.distance_transform_edt(~skin) * _VOXEL_MM), heart=heart,
    )  # fmt: skip


def _filled(body: Body, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """The lungs' air and the soft tissue after illness: lobes filled, fluid at the bottom, a large heart, fat."""
    air, soft = body.air * float(rng.uniform(0.6, 1.6)), body.soft
    fluid = torch.zeros_like(soft)
    inside = body.lobes > 0
    if rng.random() < 0.35:
        for lobe in rng.choice(5, int(rng.integers(1, 4)), replace=False):
            fluid = torch.maximum(fluid, (body.lobes == float(lobe + 1)) * float(rng.uniform(0.1, 0.95)))
    if rng.random() < 0.25:
        side = body.lobes <= 2 if rng.random() < 0.5 else body.lobes >= 3
        level = int(rng.uniform(0.15, 0.6) * soft.shape[0])
        low = torch.zeros_like(inside)
        low[:level] = True
        fluid = torch.maximum(fluid, (inside & side & low) * 1.0)
    shape = soft.shape
    grids = torch.meshgrid(*(torch.arange(n, dtype=torch.float32) for n in shape), indexing="ij")
    if rng.random() < 0.5:
        radii = rng.uniform(18, 36, 3)
        far = sum(((g - float(c)) / float(r)) ** 2 for g, c, r in zip(grids, body.heart, radii, strict=True))
        fluid = torch.maximum(fluid, (inside & (far < 1)) * 1.0)
    if rng.random() < 0.3:
        for _ in range(int(rng.integers(1, 6))):
            centre = [float(rng.uniform(0.25, 0.75)) * n for n in shape]
            far = sum((g - c) ** 2 for g, c in zip(grids, centre, strict=True)) / float(rng.uniform(3, 14)) ** 2
            fluid = torch.maximum(fluid, inside * torch.exp(-far) * float(rng.uniform(0.3, 1)))
    air = torch.maximum(air * (1 - fluid), fluid)
    if rng.random() < 0.6:
        front, back = rng.uniform(0, 35, 2)
        ramp = torch.linspace(float(back), float(front), shape[1])[None, :, None]
        soft = torch.where((body.outside_mm > 0) & (body.outside_mm < ramp), torch.full_like(soft, 0.93), soft)
    return air, soft


def render(body: Body, rng: np.random.Generator, *, lateral: bool) -> Maps:
    """Three maps of water-equivalent millimetres, (3, SIDE, SIDE): soft tissue, bone, lungs; upright, patient's right on the
    left of a frontal, the front on the right of a lateral."""
    air, soft = _filled(body, rng)
    volume = torch.stack([soft, body.bone, air])[None]
    half = torch.tensor([n * _VOXEL_MM / 2 for n in soft.shape])  # superior, anterior, left
    yaw = np.deg2rad(rng.normal(90 if lateral else 0, 7))
    pitch, roll = np.deg2rad(rng.normal(0, 5)), np.deg2rad(rng.normal(0, 4))
    reach = FIELD_MM / 2
    v, u, w = torch.meshgrid(
        torch.linspace(reach, -reach, SIDE), torch.linspace(-reach, reach, SIDE), torch.linspace(-190, 190, _DEPTH),
        indexing="ij",
    )  # fmt: skip
    cone = 1 + w / float(rng.uniform(1000, 2500)) * float(rng.choice([-1, 1]))
    u, v = u * cone, v * cone
    u, v = u * float(np.cos(roll)) - v * float(np.sin(roll)), u * float(np.sin(roll)) + v * float(np.cos(roll))
    v, w = v * float(np.cos(pitch)) - w * float(np.sin(pitch)), v * float(np.sin(pitch)) + w * float(np.cos(pitch))
    left = u * float(np.cos(yaw)) - w * float(np.sin(yaw))
    front = u * float(np.sin(yaw)) + w * float(np.cos(yaw))
    scale = rng.uniform(0.8, 1.25) * rng.uniform(0.82, 1.22, 3)
    points = torch.stack([left / float(scale[2]), front / float(scale[1]), v / float(scale[0])], -1)
    bend = torch.from_numpy(rng.normal(0, rng.uniform(0, 11), (1, 3, 5, 5, 4)).astype(np.float32))
    points = points + functional.interpolate(bend, points.shape[:3], mode="trilinear", align_corners=True)[0].movedim(
        0, -1
    )
    points = points + torch.tensor([0.0, 0.0, float(rng.normal(0, 12))])
    grid = (points / half.flip(0))[None]
    sampled = functional.grid_sample(volume, grid, align_corners=False, padding_mode="border")
    return (sampled[0].sum(-1) * (380 / _DEPTH)).numpy().astype(np.float32)
