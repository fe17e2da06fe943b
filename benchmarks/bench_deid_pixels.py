"""The pixel path by codec and size, and the shipped text detector against PP-OCRv4 on the same images in the same run.

    python -m benchmarks.bench_deid_pixels [IMAGES]

Processor seconds on one thread. The shipped detector is whatever `deid.engine._shipped_detector()` gives; the peer is PP-OCRv4's
detection model at full size, from rapidocr's earlier wheel.
"""

from __future__ import annotations

import io
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydicom.dataset import Dataset
from pydicom.encaps import encapsulate
from pydicom.uid import JPEGBaseline8Bit

import deid.engine
from benchmarks.deid_peers import peers
from deid import Keyring, Released, deidentify, load_policy
from deid.pixels.detector import Region
from getdata.demo.dicomize import encode
from getdata.demo.phantom import make_phantom

SIZES = ((1024, 854), (2500, 2084))
CODECS = {
    "native": "explicit",
    "RLE": "rle",
    "JPEG Lossless": "jpeg-lossless",
    "JPEG 2000": "jpeg-2000",
    "JPEG baseline": "baseline",
}


class Blind:
    """Sees and reads nothing."""

    name = "blind"

    def find(self, image: object, near: object = None) -> list[Region]:
        return []

    def read(self, image: object, region: object) -> tuple[str, float]:
        return "", 0.0


def main() -> None:
    """Both tables."""
    images = int(sys.argv[1]) if len(sys.argv) > 1 else 3
    cv2.setNumThreads(1)
    _codecs()
    _detectors(images)


def _baseline(pixels: NDArray[np.uint16]) -> bytes:
    """An 8-bit JPEG baseline file of the same picture."""
    from pydicom import dcmread

    dataset: Dataset = dcmread(
        io.BytesIO(encode((pixels >> 4).astype(np.uint8), {"BodyPartExamined": "CHEST"}, bits_stored=8))
    )
    stream = io.BytesIO()
    Image.fromarray((pixels >> 4).astype(np.uint8)).save(stream, "JPEG", quality=92)
    dataset.PixelData = encapsulate([stream.getvalue()])
    dataset["PixelData"].VR, dataset["PixelData"].is_undefined_length = "OB", True
    dataset.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def _codecs() -> None:
    policy, keyring = load_policy("cxr-research"), Keyring(secret=b"benchmark" * 4, key_id="bench")
    blind = Blind()
    print("One file, processor milliseconds: without the detector, with the shipped one; ratio to native of that size")
    for rows, columns in SIZES:
        pixels = make_phantom(1, size=(rows, columns)).pixels
        native = 0.0
        for name, syntax in CODECS.items():
            data = (
                _baseline(pixels)
                if syntax == "baseline"
                else encode(pixels, {"BodyPartExamined": "CHEST"}, syntax=syntax)
            )

            def header(data: bytes = data) -> None:
                outcome = deidentify(data, policy, keyring, detector=blind, reader=blind)
                assert isinstance(outcome, Released), (outcome.reason, outcome.record.detail)

            def whole(data: bytes = data) -> None:
                deidentify(data, policy, keyring)

            plain, full = _median(header, 3), _median(whole, 2)
            native = native or plain
            told = f"{plain * 1000:8.0f} {full * 1000:8.0f}   x {plain / native:5.1f}"
            print(f"  {rows} x {columns} {name:14} {len(data) / 1e6:6.1f} MB {told}")


def _median(step: Callable[[], None], times: int) -> float:
    step()
    taken = []
    for _ in range(times):
        started = time.process_time()
        step()
        taken.append(time.process_time() - started)
    return statistics.median(taken)


def _detectors(images: int) -> None:
    detector = deid.engine._shipped_detector()
    pictures = [make_phantom(seed, size=(2500, 2084)).pixels.astype(np.float32) for seed in range(images)]
    detector.find(pictures[0])
    with peers() as others:
        model = others.ocr_model()
        peer = _PaddleFour(model) if model else None
        if peer:
            peer.find(pictures[0])
        ours, theirs = [], []
        for picture in pictures:
            ours.append(_once(lambda picture=picture: detector.find(picture)))
            if peer:
                theirs.append(_once(lambda picture=picture: peer.find(picture)))
    middle = statistics.median(ours)
    print("Text detection, native 2500 x 2084, processor seconds an image (limit 0.6, and an eighth of PP-OCRv4)")
    print(f"  {detector.name}: {middle:.2f} s, x {middle / 0.6:.2f} of the limit")
    if theirs:
        other = statistics.median(theirs)
        print(f"  PP-OCRv4 at full size: {other:.2f} s, x {other / middle:.1f} of ours")
    else:
        print(f"  PP-OCRv4: skipped, {others.problem or 'its model is not in the wheel'}")


def _once(step: Callable[[], object]) -> float:
    started = time.process_time()
    step()
    return time.process_time() - started


class _PaddleFour:
    """PP-OCRv4's detection network over the whole image at full size: three equal channels, normalised as it was trained."""

    def __init__(self, model: Path) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])

    def find(self, image: NDArray[np.float32]) -> object:
        gray = cv2.normalize(image, None, 0, 1, cv2.NORM_MINMAX)
        padded = cv2.copyMakeBorder(gray, 0, -image.shape[0] % 32, 0, -image.shape[1] % 32, cv2.BORDER_CONSTANT)
        tensor = np.repeat(((padded - 0.5) / 0.5)[None, None], 3, axis=1)
        heat = self._session.run(None, {self._session.get_inputs()[0].name: tensor})[0][0, 0]
        return cv2.findContours((heat > 0.3).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)


if __name__ == "__main__":
    main()
