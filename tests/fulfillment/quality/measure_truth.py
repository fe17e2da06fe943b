"""How right the truth checks are: `python -m tests.fulfillment.quality.measure_truth [--phantoms N]`.

Needs ``../shared/data``. Each upright picture is shown in its sixteen orientations. Real frontal radiographs of
``images/`` taught the shipped network (its card, ``models/truth.md``, has the figures of networks that did not see them); what
else is printed played no part: the radiographs among the DICOM files, other modalities and test patterns as "no chest", and
phantoms of the demonstration, which are drawn by other code.
"""

from __future__ import annotations

import argparse
import csv
import sys
import time
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image

from fulfillment.quality.truth import look
from fulfillment.quality.truth.look import SMALLEST
from fulfillment.quality.truth.training.judge import Shown, Tally, variants
from getdata.demo.phantom import make_phantom
from tests.support.radiographs import SHARED_DATA

#: DICOM files that are radiographs of a chest; the animal's is a chest, but not one that is asked for.
CHESTS = ("RG1_",)
NEITHER = ("dx_image",)


def show(tally: Tally, plane: np.ndarray, view: str, photometric: str = "MONOCHROME2") -> None:
    """One picture in all its orientations, whole and at its own size."""
    for shown in variants(plane[None], view):
        pixels = shown.picture[0]
        if shown.inverted:  # `variants` changes the sign
            pixels = pixels - pixels.min()
        said = look(np.ascontiguousarray(pixels), photometric=photometric)
        tally.add(Shown(shown.picture, view, shown.turns, shown.inverted, shown.mirrored), said)


def real() -> Iterator[tuple[str, np.ndarray]]:
    with (SHARED_DATA / "metadata.csv").open(newline="", encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            with Image.open(SHARED_DATA / row["file"]) as picture:
                yield row["file"].split("/")[1], np.asarray(picture.convert("L")).astype(np.int32)


def dicom() -> Iterator[tuple[Path, np.ndarray, str]]:
    """The first frame of every different image among the DICOM files that is large enough."""
    seen: set[bytes] = set()
    for path in sorted(p for p in (SHARED_DATA / "dicom").rglob("*") if p.is_file()):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                ds = pydicom.dcmread(path, force=True)
                plane = ds.pixel_array
        except Exception:
            continue
        if plane.ndim == 4:
            plane = plane[0]
        if plane.ndim == 3:
            plane = plane.mean(-1) if plane.shape[-1] in (3, 4) else plane[len(plane) // 2]
        if plane.ndim != 2 or min(plane.shape) < SMALLEST:
            continue
        rows, columns = plane.shape
        key = plane[:: max(1, rows // 24), :: max(1, columns // 24)].tobytes()
        if key not in seen:
            seen.add(key)
            yield path, plane.astype(np.int32), str(ds.get("PhotometricInterpretation", ""))


def report(title: str, tally: Tally) -> None:
    print(f"-- {title}")
    print("\n".join(tally.lines()) or "nothing", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fulfillment.quality.measure_truth", description=__doc__)
    parser.add_argument("--phantoms", type=int, default=20, help="of either view")
    options = parser.parse_args()
    if not (SHARED_DATA / "metadata.csv").is_file():
        print("../shared/data is absent: nothing to measure.", file=sys.stderr)
        return 1
    chests, others = Tally(), Tally()
    for path, plane, photometric in dicom():
        if path.name.startswith(CHESTS):
            show(chests, plane, "frontal", photometric)
        elif not path.name.startswith(NEITHER):
            show(others, plane, "no chest", photometric)
    report("DICOM radiographs of the chest (not seen)", chests)
    report("other DICOM images (not seen)", others)
    for view, name in (("PA", "frontal"), ("LL", "lateral")):
        tally = Tally()
        for seed in range(options.phantoms):
            show(tally, make_phantom(5000 + seed, view=view, size=(600, 500)).pixels.astype(np.int32), name)
        report(f"phantoms of the demonstration, {name} (not seen, drawn by other code)", tally)
    tallies: dict[str, Tally] = {}
    for source, plane in real():
        show(tallies.setdefault(source, Tally()), plane, "frontal")
    for source, tally in tallies.items():
        report(f"{source} (taught the shipped network)", tally)
    large = np.kron(make_phantom(1, view="PA", size=(625, 625)).pixels, np.ones((4, 4), np.uint16))
    look(large, photometric="MONOCHROME2")
    started = time.process_time()
    for _ in range(20):
        look(large, photometric="MONOCHROME2")
    print(f"-- CPU seconds for an image of 2,500 pixels: {(time.process_time() - started) / 20:.4f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
