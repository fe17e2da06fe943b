"""What building a release costs: the worker's peak memory, and its time against copying and hashing the same bytes.

    python benchmarks/bench_release.py [IMAGES] [KILOBYTES_AN_IMAGE]

Images are made up in a fresh portal on SQLite and local files, with labels, scores and audit records of their own. Then, each in a
process of its own and in turn: the audit is made, which the worker's first turn makes; the bytes of all images are read, hashed and
copied into one file; the package is built as a worker builds it; the copy is made once more. The limit is for the package; the
audit is statistics (`docs/audits.md`) and is told beside it. Figures go to `results/release.md` when the full size was run.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
RESULTS = ROOT / "benchmarks" / "results" / "release.md"
IMAGES, KILOBYTES = 5_000, 1_024
MOST_MEGABYTES, MOST_TIMES = 500, 1.5
FINDINGS = ("Pneumothorax", "Pleural Effusion", "Nodule")


def main() -> int:
    """Make the images, measure, write the results, say whether the limits were kept."""
    step = os.environ.get("GETDATA_BENCH_RELEASE")
    if step:
        print(json.dumps(STEPS[step](*sys.argv[1:])))
        return 0
    images = int(sys.argv[1]) if len(sys.argv) > 1 else IMAGES
    kilobytes = int(sys.argv[2]) if len(sys.argv) > 2 else KILOBYTES
    with tempfile.TemporaryDirectory(prefix="getdata-bench-") as folder:
        made = _step("make", folder, str(images), str(kilobytes))
        print(f"made {images:,} images, {made['bytes'] / 1e6:,.0f} MB, in {made['seconds']:.0f} s", flush=True)
        audited = _step("audit", folder, made["release"])
        copies = [_step("copy", folder)]
        built = _step("build", folder, made["release"])
        copies.append(_step("copy", folder))
    times = built["seconds"] / (sum(copy["seconds"] for copy in copies) / len(copies))
    work = built["processor"] / (sum(copy["processor"] for copy in copies) / len(copies))
    lines = _document(images, made, audited, copies, built, times, work)
    print("\n".join(lines))
    if (images, kilobytes) == (IMAGES, KILOBYTES):
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text("\n".join(lines) + "\n")
    kept = built["megabytes"] <= MOST_MEGABYTES and times <= MOST_TIMES
    print("Every limit was kept." if kept else "Limits missed.")
    return int(not kept)


def _step(name: str, folder: str, *given: str) -> dict[str, Any]:
    """One step in a process of its own, over the portal in ``folder``."""
    environ = {key: value for key, value in os.environ.items() if not key.startswith(("S3_", "DATABASE_", "REDIS_"))}
    environ |= {
        "GETDATA_BENCH_RELEASE": name,
        "GETDATA_VAR": folder,
        "GETDATA_ENV": "embedded",
        "GETDATA_CANARY_COPIES": "0",
        "DJANGO_SETTINGS_MODULE": "getdata.settings",
        "LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, str(Path(__file__).resolve()), *given]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{name}: {done.stderr[-3000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def make(images: str, kilobytes: str) -> dict[str, Any]:
    """A portal with so many accepted images of noise and a release that is prepared, not built."""
    import django

    django.setup()
    import numpy as np
    from django.core.management import call_command

    from getdata.celery import app

    began = time.monotonic()
    call_command("migrate", verbosity=0)
    app.conf.task_always_eager = False
    from fulfillment.services import releases
    from tests.factories import ReviewerFactory
    from tests.support.images import accepted_batch

    releases.enqueue = lambda *_: None  # type: ignore[assignment]
    batch = accepted_batch(images=1)
    rng = np.random.default_rng(0)
    size = int(images) - 1
    total = 0
    for start in range(0, size, 500):
        total += _rows(batch, range(start, min(start + 500, size)), int(kilobytes), rng)
    release = releases.prepare_release(request=batch.fulfillment.request, actor=ReviewerFactory.create())
    return {"release": str(release.pk), "bytes": total, "seconds": time.monotonic() - began}


def _rows(batch: Any, numbers: range, kilobytes: int, rng: Any) -> int:
    """The rows and stored bytes of some images; returns the bytes."""
    import numpy as np

    from fulfillment.conformance import ImageFacts
    from fulfillment.models import Image, Label, Patient, QualityScore, Series, SourceFile, Study
    from getdata.common import storage
    from getdata.demo.dicomize import encode

    files, patients, studies, series, made, scores, labels = [], [], [], [], [], [], []
    table = batch.files.order_by("number").first()
    total = 0
    for number in numbers:
        uids = [f"2.25.{number + 10_000_000}{kind}" for kind in (1, 2, 3)]
        patient = f"GD-BENCH-{number // 2:06d}"
        pixels = rng.integers(0, 4096, (512, kilobytes), dtype=np.uint16)
        header = {
            "SOPInstanceUID": uids[0],
            "SeriesInstanceUID": uids[1],
            "StudyInstanceUID": uids[2],
            "PatientID": patient,
        }
        data = encode(pixels, header)
        digest = hashlib.sha256(data).hexdigest()
        key = storage.put(storage.released(), f"instances/{digest[:2]}/{digest}.dcm", data)
        total += len(data)
        facts = ImageFacts(
            sop_instance_uid=uids[0], study_uid=uids[2], series_uid=uids[1], patient=patient, modality="DX",
            sop_class_uid="1.2.840.10008.5.1.4.1.1.1.1", view=("PA", "AP")[number % 2], sex="FM"[number // 2 % 2],
            age_years=20.0 + number % 70, vendor="Maker", manufacturer="Maker Inc", model=f"M{number % 5}",
            rows=512, columns=kilobytes, bits_stored=12, spacing_mm=(0.14, 0.14), photometric="MONOCHROME2",
        )  # fmt: skip
        file = SourceFile(
            batch=batch, number=10_000 + number, sealed_name=b"", name_digest=f"{number:064}", size=len(data),
            content_digest=digest, status="passed",
        )  # fmt: skip
        if number % 2 == 0 or not patients:
            patients.append(Patient(fulfillment=batch.fulfillment, pseudonym=patient))
        studies.append(Study(patient=patients[-1], study_instance_uid=uids[2]))
        series.append(Series(study=studies[-1], series_instance_uid=uids[1], modality="DX"))
        record = {
            "engine": "deid/1", "table": "PS3.15 2026c", "policy": "cxr-research", "key_id": "k1",
            "actions": dict.fromkeys("XZDUKC", 9), "verified": {f"check {n}": True for n in range(8)},
            "attributes": [{"path": f"(0010,{n:04x})", "action": "X"} for n in range(60)],
        }  # fmt: skip
        made.append(
            Image(
                source=file, series=series[-1], sop_instance_uid=uids[0], facts=facts.as_dict(), view=facts.view,
                sex=facts.sex, output_sha256=digest, pixel_sha256=digest, size=len(data), stored=key, preview="",
                deid_record=record,
            )
        )  # fmt: skip
        files.append(file)
        scores.append(
            QualityScore(
                image=made[-1], version="q1", gate=True, total=80, weakest="noise",
                components=dict.fromkeys(("sharpness", "noise", "depth", "contrast"), 80.0),
            )
        )  # fmt: skip
        labels += [
            Label(
                batch=batch, table=table, image=made[-1], row=number * 3 + place, finding=finding, reader=f"r{number % 3}",
                state=("absent", "present")[(number + place) % 5 == 0], method="single_reader",
            )
            for place, finding in enumerate(FINDINGS)
        ]  # fmt: skip
    groups = ((SourceFile, files), (Patient, patients), (Study, studies), (Series, series), (Image, made))
    for model, rows in (*groups, (QualityScore, scores), (Label, labels)):
        model.objects.bulk_create(rows, batch_size=500)
    return total


def copy() -> dict[str, Any]:
    """Read every image, hash it, and write all into one file."""
    folder = Path(os.environ["GETDATA_VAR"])
    began, digest = time.monotonic(), hashlib.sha256()
    target = folder / "copy"
    with target.open("wb") as out:
        for path in sorted((folder / "files" / "released" / "instances").rglob("*.dcm")):
            data = path.read_bytes()
            digest.update(data)
            out.write(data)
        out.flush()
        os.fsync(out.fileno())
    found = _used(began)
    target.unlink()
    return found


def audit(release: str) -> dict[str, Any]:
    """The audit that a package contains."""
    import django

    django.setup()
    from fulfillment.models import Release
    from fulfillment.services.audits import audit_release

    began = time.monotonic()
    audit_release(Release.objects.get(pk=release))
    return _used(began)


def build(release: str) -> dict[str, Any]:
    """What a worker does with its bell."""
    import django

    django.setup()
    from fulfillment.models import Release
    from fulfillment.services.releases import build_release

    began = time.monotonic()
    build_release(release)
    found = _used(began)
    made = Release.objects.get(pk=release)
    if not made.is_built:
        raise RuntimeError(made.problem or "the package was not built")
    return found | {"bytes": made.archive_size, "files": made.files.count()}


def _used(began: float) -> dict[str, Any]:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "seconds": time.monotonic() - began,
        "processor": used.ru_utime + used.ru_stime,
        "megabytes": used.ru_maxrss / 1024,
    }


def _document(
    images: int,
    made: dict[str, Any],
    audited: dict[str, Any],
    copies: list[dict[str, Any]],
    built: dict[str, Any],
    times: float,
    work: float,
) -> list[str]:
    rows = [
        ("audited", audited),
        ("copied and hashed", copies[0]),
        ("package built", built),
        ("copied and hashed again", copies[1]),
    ]
    return [
        "# Building a release",
        "",
        f"Written by `make bench ONLY=release`: {images:,} images of noise, {made['bytes'] / 1e6:,.0f} MB, three labels each; a "
        f"package of {built['files']:,} files and {built['bytes'] / 1e6:,.0f} MB on SQLite and local files.",
        f"Machine: {os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}, load average "
        f"{os.getloadavg()[0]:.1f}: where it is above the number of cores, other work ran beside it.",
        "",
        "| | seconds | of processor time | peak memory, MB |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one['seconds']:.1f} | {one['processor']:.1f} | {one['megabytes']:.0f} |"
            for name, one in rows
        ),
        "",
        f"The package took **{times:.2f} times** as long as the mean of the copies (limit {MOST_TIMES}), {work:.2f} times the "
        f"processor time, and at most **{built['megabytes']:.0f} MB** (limit {MOST_MEGABYTES}). No PNGs are in it.",
    ]  # fmt: skip


STEPS = {"make": make, "audit": audit, "copy": copy, "build": build}


if __name__ == "__main__":
    sys.exit(main())
