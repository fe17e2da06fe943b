"""Every check of one native radiograph of 2,500 pixels, against the limit of 0.3 processor seconds in the same run.

    python -m benchmarks.bench_quality [IMAGES]

Processor seconds on one thread, after decoding: the score, what the picture shows against its header, the hashes for near
duplicates. The pictures are invented, 12 bits.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2

from fulfillment.conformance import ImageFacts
from fulfillment.duplicates.fingerprint import fingerprint
from fulfillment.duplicates.picture import small_picture
from fulfillment.quality import score_image
from fulfillment.quality.truth import look
from getdata.demo.phantom import make_phantom

LIMIT = 0.3
FACTS = ImageFacts(photometric="MONOCHROME2", bits_stored=12, spacing_mm=(0.14, 0.14), view="PA")


def main() -> None:
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    cv2.setNumThreads(1)
    planes = [make_phantom(seed, view="PA", size=(2500, 2084)).pixels for seed in range(images)]
    checks: dict[str, Callable[[object], object]] = {
        "score": lambda plane: score_image(plane, FACTS),  # type: ignore[arg-type]
        "truth": lambda plane: look(plane, photometric="MONOCHROME2", facts=FACTS),  # type: ignore[arg-type]
        "hashes": lambda plane: fingerprint(small_picture(plane)),  # type: ignore[arg-type]
    }
    total = 0.0
    for name, check in checks.items():
        check(planes[0])  # models are read once a process
        seconds = []
        for plane in planes:
            start = time.process_time()
            check(plane)
            seconds.append(time.process_time() - start)
        total += statistics.median(seconds)
        print(
            f"{name:8} {statistics.median(seconds):.3f} s (from {min(seconds):.3f} to {max(seconds):.3f}), n={images}"
        )
    print(f"together {total:.3f} s, x {total / LIMIT:.2f} of the limit of {LIMIT} s")


if __name__ == "__main__":
    main()
