"""What must be true of a released package, whichever way it was made."""

from __future__ import annotations

import csv
import io
import zipfile
from pathlib import Path

import bagit
import pydicom

from tests.support.corpus import Delivery
from tests.support.leaks import LeakFinder

#: Share of burned glyph pixels that a mask must cover.
COVERED = 0.9
#: Share of a picture that masks may cost: at most this in one (above 8 % of masks a person must look), and on average.
CHANGED_AT_MOST, CHANGED_ON_AVERAGE = 0.15, 0.03  # large plates in four corners alone cover 9 % of one picture


def unpack(archive: bytes, folder: Path) -> Path:
    """Unzip the package and return the bag's folder."""
    with zipfile.ZipFile(io.BytesIO(archive)) as bundle:
        bundle.extractall(folder)
    (bag,) = list(folder.iterdir())
    return bag


def assert_valid_bag(bag: Path) -> None:
    """The Library of Congress's tool accepts every byte."""
    assert bagit.Bag(str(bag)).is_valid()


def assert_no_identity(archive: bytes, delivery: Delivery) -> None:
    """None of the planted strings and none of the original UIDs is anywhere in the package's bytes."""
    planted = [item for item in [*delivery.planted, *delivery.original_uids] if item.everywhere]
    leaks = LeakFinder(planted).find(archive, where="package")
    assert leaks == [], f"{len(leaks)} leaks; kinds: {sorted({leak.kind for leak in leaks})}"


def assert_images_are_the_delivered_ones(bag: Path, delivery: Delivery) -> dict[str, int]:
    """Every instance opens, is one of the delivered images, hides its burned-in text and leaves the rest as it was.

    Also looks in each file for its own patient's identifiers, visit dates included. Returns counts.
    """
    counts = {"images": 0, "burned": 0}
    changed = []
    for path in sorted(bag.rglob("*.dcm")):
        dataset = pydicom.dcmread(path)
        pixels = dataset.pixel_array
        sources = delivery.match(pixels)
        assert sources, "an image that nobody delivered"
        source = sources[0]
        assert LeakFinder(source.planted).find(path.read_bytes(), where="instance") == []
        counts["images"] += 1
        if source.burned:
            counts["burned"] += 1
            assert source.glyph_coverage(pixels) >= COVERED, "burned-in identity is still readable"
        changed.append(source.changed_elsewhere(pixels))
        assert dataset.PatientIdentityRemoved == "YES"
    assert max(changed) <= CHANGED_AT_MOST, "de-identification cost a picture too much"
    assert sum(changed) / len(changed) <= CHANGED_ON_AVERAGE
    return counts


def read_table(bag: Path, name: str) -> list[dict[str, str]]:
    """A CSV of the package's metadata."""
    with (bag / "data" / "metadata" / name).open(newline="") as handle:
        return list(csv.DictReader(handle))
