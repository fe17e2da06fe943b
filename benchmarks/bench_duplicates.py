"""How long a million hashes take to search, and what an index of images costs.

    python benchmarks/bench_duplicates.py [HASHES]

Random hashes, one thread, exact search. Required: one hash among a million within 10 ms. Beside it, a whole question about one image
(all positions and polarities) among as many images as the hashes are enough for. Figures go to `results/duplicates.md`.
"""

from __future__ import annotations

import platform
import statistics
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import faiss  # noqa: E402
import numpy as np  # noqa: E402

from fulfillment.duplicates.fingerprint import ANCHORS, CROPS, Fingerprint, Query  # noqa: E402
from fulfillment.duplicates.index import NEAR_ANCHOR, HashIndex  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results" / "duplicates.md"
LIMIT_MS = 10.0
ROUNDS = 30


def main() -> int:
    """Measure, write the results, say whether the limit was kept."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    faiss.omp_set_num_threads(1)
    chance = np.random.default_rng(1)
    hashes = chance.integers(0, 256, (number, 32), dtype=np.uint8)
    flat = faiss.IndexBinaryFlat(256)
    flat.add(hashes)
    asked = chance.integers(0, 256, (ROUNDS, 32), dtype=np.uint8)
    one = [_timed(lambda row=row: flat.range_search(row, NEAR_ANCHOR + 1)) for row in asked.reshape(ROUNDS, 1, 32)]
    images = number // (len(CROPS) + ANCHORS)
    index = HashIndex()
    each = len(CROPS) + ANCHORS
    index.add(
        (n, Fingerprint(hashes[n * each : n * each + len(CROPS)], hashes[n * each + len(CROPS) : (n + 1) * each]))
        for n in range(images)
    )
    whole = Query(asked.repeat(2, axis=0)[:32], asked.repeat(2, axis=0)[: 2 * ANCHORS])
    spent = [_timed(lambda: index.search([whole])) for _ in range(5)]
    million = statistics.median(spent) * 1_000_000 / images
    lines = [
        "# Duplicates: search",
        "",
        f"`make bench ONLY=duplicates` on {platform.machine()}, {platform.system()}, one thread.",
        "",
        "| what | figure |",
        "|---|---|",
        f"| one hash among {number:,}, exact, median of {ROUNDS} | {statistics.median(one):.2f} ms (least {min(one):.2f}) |",
        f"| one image ({len(whole.crops) + len(whole.anchors)} hashes) among {images:,} images | {statistics.median(spent):.0f} ms |",
        f"| the same among 1,000,000 images, in proportion | {million / 1000:.1f} s |",
        f"| memory of the index | {index.nbytes / images:.0f} bytes an image, {index.nbytes / images / 1000:.2f} GB a million |",
    ]
    print("\n".join(lines))
    if number == 1_000_000:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")
    kept = statistics.median(one) <= LIMIT_MS * number / 1_000_000
    print(f"\nThe limit of {LIMIT_MS:g} ms a million hashes was {'kept' if kept else 'missed'}.")
    return int(not kept)


def _timed(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return 1000 * (time.perf_counter() - start)


if __name__ == "__main__":
    sys.exit(main())
