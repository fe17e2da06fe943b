"""Deliveries of the demonstration: phantoms with invented identity travel through the real pipeline."""

from __future__ import annotations

import csv
import hashlib
import io
import random
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.utils import timezone

from fulfillment import ledger
from fulfillment.models import Batch, Fulfillment, Release
from fulfillment.services import batches, inspections, release_window, releases, reviews
from fulfillment.uploads import take_in
from getdata.accounts.models import Organization, User
from getdata.demo.burn import burn_text
from getdata.demo.cast import password
from getdata.demo.dicomize import derived_uid, encode
from getdata.demo.phantom import make_phantom
from getdata.demo.reports import report_of, report_table
from getdata.demo.spoil import gaps, spoiled
from requests_app.models import DatasetRequest
from requests_app.services import agreements, offers

FAMILY = (
    "ALMEIDA",
    "BRANDT",
    "CASTELL",
    "DUMONT",
    "EKSTROM",
    "FARKAS",
    "GRUBER",
    "HOLMBERG",
    "IVANOV",
    "JANSEN",
    "KOWALSKI",
)
GIVEN = {"F": ("ANNA", "CLARA", "EDITH", "INES", "MARIA"), "M": ("ANTON", "BRUNO", "EMIL", "IVAN", "MARTIN")}
VENDORS = (
    ("SIEMENS", "Ysio Max"),
    ("Philips Medical Systems", "DigitalDiagnost"),
    ("FUJIFILM Corporation", "FDR D-EVO"),
)
SIZE = (1536, 1280)
READERS = ("reader-1", "reader-2")
NAMES = {"effusion": "Pleural effusion", "pneumothorax": "Pneumothorax", "nodule": "Nodule"}
READ = tuple(NAMES.values())
COLUMNS = (
    *("sop_instance_uid", "finding", "state", "method", "reader", "board_certified", "blind_to_report"),
    *("x", "y", "width", "height"),
)
Box = tuple[int, int, int, int]
SYNTAXES = ("explicit", "implicit", "rle", "jpeg-lossless", "jpeg-2000")


def agree(request: DatasetRequest, hospital: Organization, cast: dict[str, User]) -> Fulfillment:
    """Offer, agreement, both signatures. Returns the fulfillment; does nothing twice."""
    existing = Fulfillment.objects.filter(request=request, hospital=hospital).first()
    if existing is not None:
        return existing
    owner, researcher = cast["hospital"], cast["researcher"]
    lines = [demand.check_id for demand in offers.offerable(asked_spec(request))]
    offer = offers.submit_offer(
        request=request,
        hospital=hospital,
        images=48,
        patients=32,
        cells=dict.fromkeys(lines, 8),
        message="Adults only, three rooms, two vendors.",
        actor=owner,
    )
    agreement = agreements.draw_agreement(offer=offer, actor=researcher)
    for organization, actor in ((request.organization, researcher), (hospital, owner)):
        agreements.sign_agreement(
            agreement=agreement, organization=organization, printed_name=actor.name, password=password(), actor=actor
        )
    return Fulfillment.objects.get(offer=offer)


def asked_spec(request: DatasetRequest):  # type: ignore[no-untyped-def]
    """The request's open specification."""
    from requests_app.spec import DatasetSpec

    version = request.current_version
    assert version is not None
    return DatasetSpec.model_validate(version.document)


def deliver(batch: Batch, *, seed: int, count: int, actor: User) -> None:
    """Stage ``count`` phantoms, their labels and reports: every sixth with burned-in identity, some with faults of export
    (``getdata.demo.spoil``), and one file that is no radiograph at all."""
    rng = random.Random(seed + 1)  # noqa: S311  a demonstration must look the same each time
    rows: list[dict[str, Any]] = []
    reports: list[dict[str, str]] = []
    for name, data, uid, boxes, report in phantoms(seed, count):
        reports.append(report)
        _stage(batch, name, data, actor)
        for reader in READERS:
            rows += _read_by(reader, uid, boxes, rng)
    _stage(batch, "worklist/query-result.log", b"exported by the archive, not an image\n", actor)
    _stage(batch, "reports.csv", report_table(reports), actor)
    _stage(batch, "labels.csv", _table(rows), actor)


def _read_by(reader: str, uid: str, boxes: dict[str, list[Box]], rng: random.Random) -> Iterator[dict[str, Any]]:
    """One reader's rows for one image: mostly right, with boxes as a hand draws them; a few findings missed or seen wrongly."""
    for finding in READ:
        present = bool(boxes.get(finding)) != (rng.random() < 0.06)
        row = {
            "sop_instance_uid": uid,
            "finding": finding,
            "state": ("likely" if rng.random() < 0.15 else "present") if present else "absent",
            "method": "single_reader",
            "reader": reader,
            "board_certified": "yes",
            "blind_to_report": "yes",
        }
        drawn = boxes.get(finding, []) if present else []
        yield from ({**row, **_by_hand(box, rng)} for box in drawn)
        if not drawn:
            yield row


def _by_hand(box: Box, rng: random.Random) -> dict[str, int]:
    """The box, a few pixels off on every side and inside the image."""
    left, top = max(0, box[0] + rng.randint(-12, 12)), max(0, box[1] + rng.randint(-12, 12))
    right = min(SIZE[1], box[0] + box[2] + rng.randint(-12, 12))
    bottom = min(SIZE[0], box[1] + box[3] + rng.randint(-12, 12))
    return {"x": left, "y": top, "width": max(8, right - left), "height": max(8, bottom - top)}


def phantoms(seed: int, count: int) -> Iterator[tuple[str, bytes, str, dict[str, list[Box]], dict[str, str]]]:
    """(path, Part-10 bytes, original SOPInstanceUID, boxes by GetDATA-CXR finding, row of the report table), invented patients."""
    rng = random.Random(seed)  # noqa: S311  a demonstration must look the same each time
    for number in range(count):
        sex = "F" if number % 2 else "M"
        view = ("PA", "AP", "PA")[number % 3]
        age = rng.randint(21, 88)
        seen = [
            name for name, odds in (("effusion", 0.35), ("pneumothorax", 0.3), ("nodule", 0.15)) if rng.random() < odds
        ]
        devices = [name for name in ("pacemaker", "central_line", "ecg_leads") if rng.random() < 0.2]
        bits = 14 if number % 4 == 3 else 12
        picture = make_phantom(
            seed * 1000 + number,
            view=view,
            sex=sex,
            age=age,
            size=SIZE,
            findings=seen,
            devices=devices,
            bits_stored=bits,
        )
        family, given = rng.choice(FAMILY), rng.choice(GIVEN[sex])
        record = f"{rng.randint(10**6, 10**7 - 1):08d}"
        day = f"2025{rng.randint(1, 12):02d}{rng.randint(1, 28):02d}"
        pixels = spoiled(picture.pixels, number, bits)
        if number % 6 == 2:
            text = f"{family} {given}\n{record}  {day[6:]}.{day[4:6]}.{day[:4]}"
            pixels = burn_text(pixels, text, position=(40, 60), size=34, bits_stored=bits).pixels  # type: ignore[assignment]
        vendor, model = rng.choice(VENDORS)
        uid = derived_uid("demo", seed, number, "instance")
        header = {
            "PatientName": f"{family}^{given}",
            "PatientID": record,
            "PatientBirthDate": f"{2025 - age}0{rng.randint(1, 9)}1{rng.randint(0, 9)}",
            "PatientSex": sex,
            "PatientAge": f"{age:03d}Y",
            "StudyDate": day,
            "StudyInstanceUID": derived_uid("demo", seed, number, "study"),
            "SeriesInstanceUID": derived_uid("demo", seed, number, "series"),
            "SOPInstanceUID": uid,
            "AccessionNumber": f"A{rng.randint(10**7, 10**8 - 1)}",
            "InstitutionName": "Nordhafen University Hospital",
            "ReferringPhysicianName": f"{rng.choice(FAMILY)}^{rng.choice(GIVEN['F'])}",
            "StudyDescription": f"Chest {view} {family}",
            "Manufacturer": vendor,
            "ManufacturerModelName": model,
            "ViewPosition": view,
            "PixelSpacing": [picture.truth["pixel_spacing"]] * 2,
            "BodyPartExamined": "CHEST",
            **gaps(number),
        }
        data = encode(
            pixels, header, sop_class="CR" if number % 2 else "DX", syntax=SYNTAXES[number % 5], bits_stored=bits
        )
        boxes: dict[str, list[Box]] = {}
        for box in picture.truth["boxes"]:
            if box["name"] in NAMES:
                sides = [round(box[side]) for side in ("x", "y", "width", "height")]
                boxes.setdefault(NAMES[box["name"]], []).append((sides[0], sides[1], sides[2], sides[3]))
        # A generator of its own, so that what a report says changes no picture.
        report = report_of(header, boxes, devices, SIZE[1], random.Random(seed * 1000 + number))  # noqa: S311 (a demonstration)
        yield f"{family}_{given}/{record}_{view}.dcm", data, uid, boxes, report


def review_and_release(batch: Batch, cast: dict[str, User]) -> None:
    """Seal, accept and release the batch, each step by the person whose it is."""
    batches.seal_batch(batch=batch, actor=cast["hospital"])
    batch.refresh_from_db()
    reviews.claim_batch(batch=batch, actor=cast["reviewer"])
    batch.refresh_from_db()
    look_at_the_sample(batch, cast["reviewer"])
    summary = "Contact sheet looked at; every masked image checked; views and labels match the specification."
    reviews.accept_batch(batch=batch, actor=cast["reviewer"], summary=summary)
    release = releases.prepare_release(request=batch.fulfillment.request, actor=cast["reviewer"])
    for _ in range(120):  # a worker may have taken the package; then this call does nothing
        releases.build_release(release.pk)
        release.refresh_from_db()
        if release.is_built or release.problem:
            break
        time.sleep(1)
    releases.publish_release(release=release, actor=cast["reviewer2"])
    # Nobody who looks at a demonstration waits for the time in which a release can be undone.
    Release.objects.filter(pk=release.pk).update(live_at=timezone.now())
    release_window.make_live(release.pk)


def look_at_the_sample(batch: Batch, reviewer: User) -> None:
    """A rehearsal: the pictures are phantoms, and the reviewer says that they looked at each one that was drawn."""
    inspection = inspections.current_inspection(batch)
    keys = list(inspection.items.values_list("image_id", flat=True)) if inspection is not None else []
    for start in range(0, len(keys), inspections.MOST_AT_ONCE):
        part = keys[start : start + inspections.MOST_AT_ONCE]
        inspections.record_looks(batch=batch, shown=dict.fromkeys(part), actor=reviewer)


def wait_until_settled(batch: Batch, *, seconds: float, say: Callable[[str], None]) -> bool:
    """Wait for the worker; where none answers for half a minute, do the work here."""
    deadline, last, moved = time.monotonic() + seconds, -1, time.monotonic()
    while time.monotonic() < deadline:
        progress = ledger.progress(batch)
        if progress.is_settled:
            return True
        if progress.settled != last:
            last, moved = progress.settled, time.monotonic()
            say(f"  {progress.settled} of {progress.total} files are through")
        if time.monotonic() - moved > 30:
            ledger.drain()
        time.sleep(2)
    return ledger.progress(batch).is_settled


def _stage(batch: Batch, name: str, data: bytes, actor: User) -> None:
    staged = str(uuid.uuid4())
    folder = Path(settings.STAGING)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / staged).write_bytes(data)
    take_in(batch=batch, name=name, staged=staged, size=len(data), sha256=hashlib.sha256(data).hexdigest(), actor=actor)


def _table(rows: list[dict[str, Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, restval="")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode()
