"""How well duplicates are found on real radiographs, and how surely different ones are left alone.

    python -m tests.fulfillment.duplicates.measure [EVERY]

Every radiograph of ``../shared/data`` (each EVERYth with a number) goes through every transform and is looked for among all of
them. A recall is the share found and confirmed, with a Wilson 95 % interval. False pairs are confirmed pairs of different
radiographs: each changed picture against all others, and each pair of originals. What would have been needed to be wrong is
extrapolated by a Gumbel distribution of the worst detail correlation; n says what that is worth.
"""

from __future__ import annotations

import math
import sys
import time
from itertools import combinations
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from fulfillment.duplicates.fingerprint import fingerprint
from fulfillment.duplicates.folder import between
from fulfillment.duplicates.index import HashIndex
from fulfillment.duplicates.picture import small_picture
from fulfillment.duplicates.verify import CLEAR_DETAIL, LEAST_DETAIL, features, verify
from tests.fulfillment.duplicates.transforms import TRANSFORMS
from tests.support.intervals import wilson
from tests.support.radiographs import SHARED_DATA


def main(every: int) -> None:
    cv2.setNumThreads(1)
    files = sorted(path for path in (SHARED_DATA / "images").glob("*/*") if path.suffix in (".png", ".jpg", ".jpeg"))
    pixels = [np.asarray(Image.open(path).convert("L")) for path in files]
    pictures = [small_picture(each) for each in pixels]
    prints = [fingerprint(each) for each in pictures]
    looks = [features(each) for each in pictures]
    index = HashIndex()
    index.add((number, kept) for number, (kept, _) in enumerate(prints))
    chance = np.random.default_rng(2026)
    total = found_all = false = asked = candidates = 0
    spent = {"hash": 0.0, "features": 0.0, "second look": 0.0}
    looked = 0
    print(f"{len(files)} radiographs; every {every} changed\n")
    print(
        f"{'transform':34} {'n':>3} {'found':>6} {'95 %':>13}  {'candidate':>9} {'detail, least':>13} {'distance, most':>14}"
    )
    for name, change in TRANSFORMS.items():
        hits = near = n = 0
        least, most = 1.0, 0
        for number in range(0, len(files), every):
            changed = change(pixels[number], chance)
            n += 1
            start = time.process_time()
            picture = small_picture(changed)
            _, query = fingerprint(picture)
            spent["hash"] += time.process_time() - start
            start = time.process_time()
            look = features(picture)
            spent["features"] += time.process_time() - start
            answers = {one.key: one.distance for one in index.search([query])[0]}
            asked += len(files) - 1
            candidates += len(answers) - (number in answers)
            near += number in answers
            start = time.process_time()
            seen = verify(looks[number], look)
            spent["second look"] += time.process_time() - start
            looked += 1
            distance = between(query, prints[number][0])
            least, most = min(least, seen.detail), max(most, distance)
            hits += number in answers and seen.same(distance)
            for other, gap in answers.items():
                if other != number and verify(looks[other], look).same(gap):
                    false += 1
                    print(f"  FALSE {files[other].name} and {files[number].name} {name}")
        low, high = wilson(hits, n)
        share = f"[{low:.3f}, {high:.3f}]"
        print(f"{name:34} {n:3d} {hits / n:6.3f} {share:>13} {near / n:9.3f} {least:13.2f} {most:14d}", flush=True)
        total += n
        found_all += hits
    low, high = wilson(found_all, total)
    print(f"\nall transforms: {found_all} of {total} found, {found_all / total:.4f} [{low:.4f}, {high:.4f}]")
    print(f"changed against others: {asked:,} pairs, {candidates} candidates, {false} confirmed (false)")
    print(", ".join(f"{name} {1000 * each / total:.0f} ms" for name, each in spent.items()), "of processor time each")
    _originals(files, prints, looks)


def _originals(files: list[Path], prints: list, looks: list) -> None:
    """All pairs of originals; the second look at all of them, candidates or not."""
    details, distances, false = [], [], 0
    for a, b in combinations(range(len(files)), 2):
        distance = min(between(prints[a][1], prints[b][0]), between(prints[b][1], prints[a][0]))
        distances.append(distance)
        seen = verify(looks[a], looks[b])
        details.append(seen.detail)
        if seen.same(distance):
            false += 1
            print(f"  CONFIRMED {files[a].name} and {files[b].name}: look whether this is true")
    n = len(details)
    worst = np.sort(details)[::-1]
    print(f"\npairs of originals: {n:,}, {false} confirmed; rule of three: at most {3 / n:.1e} of pairs at 95 %")
    print(f"detail of different pairs: most {worst[0]:.2f}, then {', '.join(f'{each:.2f}' for each in worst[1:6])}")
    print(f"distance of different pairs: least {min(distances)}, 1 % {np.percentile(distances, 1):.0f}")
    blocks = np.array_split(np.random.default_rng(1).permutation(details), max(10, n // 80))
    tops = np.array([block.max() for block in blocks])
    scale = tops.std() * math.sqrt(6) / math.pi
    place = tops.mean() - 0.5772 * scale
    for limit in (LEAST_DETAIL, CLEAR_DETAIL):
        rate = -math.expm1(-math.exp(-(limit - place) / scale)) / (n / len(blocks))
        print(f"Gumbel of {len(blocks)} blocks: {rate:.1e} of pairs reach detail {limit}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1)
