"""Strips of pictures that show what each component of the quality score sees: ``python -m getdata.demo.quality_pictures FOLDER``.

Every picture is drawn from an invented chest (``getdata.demo.phantom``); no pixel comes from a person. The same code gives the
same strips. Each strip has four panels side by side, untouched first, then spoiled a little, clearly, and strongly.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fulfillment.quality.words import COMPONENTS
from getdata.demo.phantom import make_phantom

PANEL, GAP, STEPS = 300, 4, 4
LARGEST = 60_000
FOLDER = Path("docs/pictures/quality")

Grey = NDArray[np.float32]
#: (centre down, centre across, side) of the detail, as shares of the picture's short side and its place.
Detail = tuple[float, float, float]
_RIBS: Detail = (0.36, 0.70, 0.22)
_HALF: Detail = (0.45, 0.42, 0.55)
_WHOLE: Detail = (0.5, 0.5, 1.0)


def chest(seed: int = 41) -> Grey:
    """An invented frontal chest, 0 to 1, 2,048 pixels high."""
    made = make_phantom(seed, view="PA", sex="F", age=46, size=(2048, 1706), bits_stored=12)
    low, high = np.percentile(made.pixels, (0.5, 99.7))
    return np.asarray(np.clip((made.pixels - low) / (high - low), 0, 1), dtype=np.float32)


def detail(image: Grey, where: Detail) -> Grey:
    """The square of ``image`` that ``where`` names, at its own size, in its own window."""
    rows, columns = image.shape
    side = int(where[2] * min(rows, columns))
    top = min(max(0, int(where[0] * rows) - side // 2), rows - side)
    left = min(max(0, int(where[1] * columns) - side // 2), columns - side)
    part = image[top : top + side, left : left + side]
    # Shown with the window a reader would choose for it.
    low, high = np.percentile(part, (0.5, 99.5))
    return np.asarray(0.03 + 0.94 * np.clip((part - low) / (high - low), 0, 1), dtype=np.float32)


def resized(image: Grey, side: int, how: int = cv2.INTER_AREA) -> Grey:
    return np.asarray(cv2.resize(image, (side, side), interpolation=how), dtype=np.float32)


# --- one spoiler for each component: (the whole chest, step 0 to 3) -> a panel ------------------------------------------------


def _resolution(image: Grey, step: int) -> Grey:
    part = detail(image, _RIBS)
    small = resized(part, round(part.shape[0] / (1, 4, 7, 12)[step]))
    return resized(small, PANEL, cv2.INTER_NEAREST if step else cv2.INTER_AREA)


def _sharpness(image: Grey, step: int) -> Grey:
    part = resized(detail(image, _RIBS), PANEL)
    return part if step == 0 else np.asarray(cv2.GaussianBlur(part, (0, 0), (0, 1.8, 3.6, 7)[step]), dtype=np.float32)


def _noise(image: Grey, step: int) -> Grey:
    part = resized(detail(image, _RIBS), PANEL)
    grain = np.random.default_rng(5).normal(0, 1, part.shape).astype(np.float32)
    return part + (0, 0.035, 0.08, 0.16)[step] * grain


def _depth(image: Grey, step: int) -> Grey:
    part = resized(detail(image, _HALF), PANEL)
    levels = (256, 14, 8, 5)[step]
    return np.asarray(np.round(part * (levels - 1)) / (levels - 1), dtype=np.float32)


def _clipping(image: Grey, step: int) -> Grey:
    part = resized(detail(image, _HALF), PANEL)
    low, high = ((0, 1), (0.14, 0.86), (0.24, 0.74), (0.33, 0.62))[step]
    return (part - low) / (high - low)


def _blockiness(image: Grey, step: int) -> Grey:
    # Two pixels of the panel for one of the picture, so that the squares of eight can be seen.
    part = resized(detail(image, _RIBS), PANEL // 2)
    if step:
        coded = io.BytesIO()
        Image.fromarray(_eight(part)).save(coded, "JPEG", quality=(0, 25, 10, 4)[step])
        part = np.asarray(np.asarray(Image.open(coded)) / 255, dtype=np.float32)
    return resized(part, PANEL, cv2.INTER_NEAREST)


def _contrast(image: Grey, step: int) -> Grey:
    part = resized(detail(image, _HALF), PANEL)
    veil = np.asarray(cv2.GaussianBlur(part, (0, 0), 60), dtype=np.float32).mean()
    return veil + (part - veil) * (1, 0.55, 0.3, 0.14)[step]


def _coverage(image: Grey, step: int) -> Grey:
    centre = ((0.5, 0.5, 1.0), (0.46, 0.5, 0.8), (0.44, 0.5, 0.62), (0.42, 0.5, 0.42))[step]
    if step == 0:  # the whole picture, on black
        rows, columns = image.shape
        side = max(rows, columns)
        whole = np.zeros((side, side), np.float32)
        left = (side - columns) // 2
        whole[:rows, left : left + columns] = image
        return resized(whole, PANEL)
    return resized(detail(image, centre), PANEL)


SPOILERS: dict[str, Callable[[Grey, int], Grey]] = {
    "resolution": _resolution,
    "sharpness": _sharpness,
    "noise": _noise,
    "depth": _depth,
    "clipping": _clipping,
    "blockiness": _blockiness,
    "contrast": _contrast,
    "coverage": _coverage,
}


def _eight(image: Grey) -> NDArray[np.uint8]:
    return np.asarray(np.round(np.clip(image, 0, 1) * 255), dtype=np.uint8)


def strip(image: Grey, component: str) -> Image.Image:
    """The four panels of one component, on black."""
    sheet = np.zeros((PANEL, STEPS * PANEL + (STEPS - 1) * GAP), np.uint8)
    for step in range(STEPS):
        left = step * (PANEL + GAP)
        sheet[:, left : left + PANEL] = _eight(SPOILERS[component](image, step))
    return Image.fromarray(sheet)


def encoded(picture: Image.Image) -> bytes:
    """WebP of at most ``LARGEST`` bytes, as good as fits."""
    for quality in (90, 84, 76, 68, 60, 50, 40):
        out = io.BytesIO()
        picture.save(out, "WEBP", quality=quality, method=6)
        if out.tell() <= LARGEST:
            break
    return out.getvalue()


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Draw the pictures that explain the quality score.")
    parser.add_argument("folder", type=Path, nargs="?", default=FOLDER)
    folder = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    image, total = chest(), 0
    for words in COMPONENTS:
        data = encoded(strip(image, words.name))
        (folder / f"{words.name}.webp").write_bytes(data)
        total += len(data)
        sys.stdout.write(f"{words.name}.webp {len(data):,} bytes\n")
    sys.stdout.write(f"{total:,} bytes in all\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
