"""The engine against plain pydicom in the same run: what de-identification costs on top of reading and writing.

    python -m benchmarks.bench_deid

Prints medians over a handful of phantoms, and ratios: header path (the text detector switched off) to pydicom's read and write, and
the whole engine to the header path. Figures of different machines do not compare; the ratios do.
"""

from __future__ import annotations

import io
import os
import statistics
import time
from collections.abc import Callable
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pydicom

from deid import Context, Keyring, Released, deidentify, load_policy
from deid.pixels.detector import Region
from getdata.demo.dicomize import encode
from getdata.demo.phantom import make_phantom

FILES = 5


class Blind:
    """A detector that sees nothing: what remains is header, text, verification and writing."""

    name = "blind"

    def find(self, image: np.ndarray, near: Any = None) -> list[Region]:
        return []


def main() -> None:
    policy, keyring = load_policy("cxr-research"), Keyring(secret=b"benchmark" * 4, key_id="bench")
    files = [_file(seed) for seed in range(FILES)]
    deidentify(files[0], policy, keyring, Context())  # models are read once a process

    def header_path(data: bytes) -> None:
        assert isinstance(deidentify(data, policy, keyring, Context(), detector=Blind()), Released)

    def whole(data: bytes) -> None:
        assert isinstance(deidentify(data, policy, keyring, Context()), Released)

    plain, header, full = (_median(step, files) for step in (_read_and_write, header_path, whole))
    print(f"read and write with pydicom   {plain * 1000:8.1f} ms a file")
    print(f"engine, header path           {header * 1000:8.1f} ms a file   {header / plain:6.1f} x pydicom")
    print(f"engine with text detection    {full * 1000:8.1f} ms a file   {full / header:6.1f} x header path")


def _file(seed: int) -> bytes:
    picture = make_phantom(seed, size=(2048, 1707))
    header = {"PatientName": "BENCH^MARK", "PatientID": f"00{seed}", "ViewPosition": "PA", "PixelSpacing": [0.2, 0.2]}
    return encode(picture.pixels, header)


def _read_and_write(data: bytes) -> None:
    dataset = pydicom.dcmread(io.BytesIO(data))
    dataset.save_as(io.BytesIO())


def _median(step: Callable[[bytes], None], files: list[bytes]) -> float:
    taken = []
    for data in files:
        started = time.process_time()
        step(data)
        taken.append(time.process_time() - started)
    return statistics.median(taken)


if __name__ == "__main__":
    main()
