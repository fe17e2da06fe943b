"""One whole delivery: two hospitals, forty radiographs, and the files that must not pass.

``build_delivery`` writes it to disk and returns its answer key: what each file is, whether it
may be released, what identity it carries and where, and the glyphs burned into its pixels.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from getdata.demo.dicomize import SYNTAXES, derived_uid
from tests.support.identities import Hospital, Identity, Planted, make_hospitals, make_identities
from tests.support.objects import encapsulated_pdf
from tests.support.planting import Wrapped, decode, wrap
from tests.support.radiographs import (
    NoRealData,
    Pixels,
    Radiograph,
    phantom_radiographs,
    real_radiographs,
)

Source = Literal["auto", "real", "phantom"]
IMAGES: Final = 40
NIH_FINDINGS: Final = frozenset(
    {
        "Atelectasis",
        "Cardiomegaly",
        "Consolidation",
        "Edema",
        "Effusion",
        "Emphysema",
        "Fibrosis",
        "Hernia",
        "Infiltration",
        "Mass",
        "Nodule",
        "Pleural_Thickening",
        "Pneumonia",
        "Pneumothorax",
    }
)
SAMPLE: Final = 7
"""Every seventh pixel of every seventh row is kept to recognise an output image by."""


@dataclass(frozen=True)
class DeliveredFile:
    """One file as a hospital would send it, and what is expected to become of it."""

    path: Path
    relative: str
    kind: Literal["image", "malformed", "pdf", "duplicate"]
    expectation: Literal["released", "withheld"]
    reason: str  # "" or malformed, not-an-image, duplicate: our words, not an engine's code
    sop_instance_uid: str
    sop_class: str
    syntax: str
    photometric: str
    patient: str  # our key, the same for all files of a patient
    study_instance_uid: str
    planted: tuple[Planted, ...] = field(repr=False)
    places: tuple[str, ...] = ()
    must_survive: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False)
    radiograph: Radiograph | None = field(default=None, repr=False)
    duplicate_of: str = ""
    shape: tuple[int, ...] = ()
    sample: NDArray[np.uint16] | None = field(default=None, repr=False, compare=False)
    glyphs: NDArray[np.bool_] | None = field(default=None, repr=False, compare=False)
    clean: Pixels | None = field(default=None, repr=False, compare=False)

    @property
    def burned(self) -> bool:
        """Whether identity is written in the pixels."""
        return self.glyphs is not None

    def pixels(self) -> Pixels:
        """The pixels as delivered, burned-in text included."""
        return decode(self.path.read_bytes())

    def glyph_coverage(self, output: NDArray[np.generic]) -> float:
        """The share of burned glyph pixels that ``output`` (same shape) no longer shows."""
        if self.glyphs is None:
            raise ValueError("this file has no burned-in text")
        before = self.pixels()
        return float(np.mean(np.asarray(output)[self.glyphs] != before[self.glyphs]))

    def changed_elsewhere(self, output: NDArray[np.generic]) -> float:
        """The share of pixels that changed outside the glyphs: what masking cost the picture."""
        changed = np.asarray(output) != self.pixels()
        if self.glyphs is not None:
            changed &= ~self.glyphs
        return float(changed.mean())


@dataclass(frozen=True)
class HospitalDelivery:
    """What one hospital sends: a folder of files, and labels beside it."""

    hospital: Hospital
    folder: Path
    labels: Path
    files: tuple[DeliveredFile, ...]
    identities: tuple[Identity, ...] = field(repr=False)


@dataclass(frozen=True)
class Delivery:
    """The whole delivery and its answer key."""

    root: Path
    seed: int
    source: Literal["real", "phantom"]
    hospitals: tuple[HospitalDelivery, ...]

    @property
    def files(self) -> tuple[DeliveredFile, ...]:
        """All files of all hospitals."""
        return tuple(f for h in self.hospitals for f in h.files)

    @property
    def planted(self) -> list[Planted]:
        """Every identifier that must appear nowhere in a release, of any patient or hospital."""
        seen: dict[tuple[str, str], Planted] = {}
        for side in self.hospitals:
            for item in side.hospital.planted:
                seen.setdefault((item.kind, item.value), item)
            for person in side.identities:
                for item in person.planted:
                    seen.setdefault((item.kind, item.value), item)
        return list(seen.values())

    @property
    def original_uids(self) -> list[Planted]:
        """Every UID that was delivered: a release must not carry one of them."""
        uids = {f.sop_instance_uid for f in self.files} | {f.study_instance_uid for f in self.files}
        return [Planted("uid", uid) for uid in sorted(uids) if uid]

    def match(self, output: NDArray[np.generic]) -> list[DeliveredFile]:
        """The delivered files that ``output`` was made from, best first.

        Compares stored values, so masked boxes cost little; duplicates give two files.  Empty
        when fewer than 60 % of the pixels agree with any source.
        """
        array = np.asarray(output)
        sample = array[::SAMPLE, ::SAMPLE]
        scored = []
        for place, file in enumerate(self.files):
            if file.sample is not None and file.shape == array.shape:
                share = float(np.mean(sample == file.sample))
                if share >= 0.6:
                    scored.append((-share, place, file))
        return [file for _, _, file in sorted(scored, key=lambda row: row[:2])]


def build_delivery(root: Path, *, seed: int, source: Source = "auto", images: int = IMAGES) -> Delivery:
    """Write the delivery below ``root``.

    ``source``: "real" raises NoRealData without ``../shared/data``; "phantom" never needs it;
    "auto" takes what there is.  ``images``: how many radiographs in all, 4 at least; fewer than 40
    do not cover every hiding place.
    """
    pictures, used = _pictures(seed, source, images)
    hospitals = make_hospitals()
    sides = _share_out(pictures)
    keys = sorted({r.patient for r in pictures}, key=[r.patient for r in pictures].index)
    people = dict(zip(keys, make_identities(len(keys), seed=seed), strict=True))
    for picture in pictures:
        if picture.study == 0 and picture.age is not None:
            person = people[picture.patient]
            born = person.first_visit - timedelta(days=picture.age * 365 + picture.age // 4 + 100)
            people[picture.patient] = replace(person, birth=born)
    built = []
    number = 0
    for side, (hospital, mine) in enumerate(zip(hospitals, sides, strict=True)):
        folder = root / hospital.slug / "dicom"
        files = []
        for radiograph in mine:
            person = people[radiograph.patient]
            syntax = list(SYNTAXES)[(number * 3 + number // 8) % len(SYNTAXES)]
            wrapped = wrap(
                radiograph,
                person,
                hospital,
                number=number,
                sop_class="DX" if number // 2 % 2 else "CR",
                syntax=syntax,
                burn=number % 5 == 4,
            )
            relative = _relative(side, person, radiograph, number)
            files.append(_store(folder, relative, wrapped, radiograph, person, hospital))
            number += 1
        first = people[mine[0].patient]
        if side == 0:
            files.append(_duplicate(folder, mine[1], people[mine[1].patient], hospital, files[1]))
            files.append(_malformed(folder, mine[0], first, hospital))
        else:
            files.append(_pdf(folder, mine[0], first, hospital))
        labels = root / hospital.slug / "labels.csv"
        _write_labels(labels, files)
        mine_people = tuple(people[k] for k in dict.fromkeys(r.patient for r in mine))
        built.append(HospitalDelivery(hospital, folder, labels, tuple(files), mine_people))
    return Delivery(root, seed, used, tuple(built))


def _pictures(seed: int, source: Source, images: int) -> tuple[list[Radiograph], Literal["real", "phantom"]]:
    if source != "phantom":
        try:
            found = real_radiographs()
        except NoRealData:
            if source == "real":
                raise
        else:
            wanted = [r for r in found if r.source == "nih"]
            wanted += [r for r in found if r.source == "hannover"]
            return wanted[:images], "real"
    return phantom_radiographs(images, seed=seed), "phantom"


def _share_out(pictures: list[Radiograph]) -> tuple[list[Radiograph], list[Radiograph]]:
    """Whole patients to one hospital or the other, as evenly as that allows."""
    groups: dict[str, list[Radiograph]] = {}
    for picture in pictures:
        groups.setdefault(picture.patient, []).append(picture)
    sides: tuple[list[Radiograph], list[Radiograph]] = ([], [])
    for group in sorted(groups.values(), key=len, reverse=True):
        min(sides, key=len).extend(group)
    return sides


def _relative(side: int, person: Identity, r: Radiograph, number: int) -> str:
    """Names as exported: numbers at one hospital, identity in folder and file names at the other."""
    if side == 0:
        return f"PAT{number:05d}/STU00001/IM{number:06d}"
    stem = "".join(c for c in person.family if c.isalnum())
    return f"{person.patient_id}_{stem}/{person.accession(r.study)}/CXR_{stem}_{number:03d}.dcm"


def _store(
    folder: Path,
    relative: str,
    wrapped: Wrapped,
    radiograph: Radiograph,
    person: Identity,
    hospital: Hospital,
    *,
    kind: Literal["image", "malformed", "duplicate"] = "image",
    data: bytes | None = None,
    duplicate_of: str = "",
) -> DeliveredFile:
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(wrapped.data if data is None else data)
    readable = kind != "malformed"
    return DeliveredFile(
        path=path,
        relative=relative,
        kind=kind,
        expectation="released" if kind == "image" else "withheld",
        reason="" if kind == "image" else kind,
        sop_instance_uid=wrapped.sop_instance_uid,
        sop_class=wrapped.sop_class,
        syntax=wrapped.syntax,
        photometric=wrapped.photometric,
        patient=radiograph.patient,
        study_instance_uid=wrapped.study_instance_uid,
        planted=(*person.planted_at(radiograph.study), *hospital.planted),
        places=wrapped.places,
        must_survive=wrapped.must_survive,
        radiograph=radiograph,
        duplicate_of=duplicate_of,
        shape=wrapped.pixels.shape if readable else (),
        sample=wrapped.pixels[::SAMPLE, ::SAMPLE].copy() if readable else None,
        glyphs=wrapped.glyphs,
        clean=wrapped.clean,
    )


def _duplicate(
    folder: Path, r: Radiograph, person: Identity, hospital: Hospital, first: DeliveredFile
) -> DeliveredFile:
    """The same picture of the same study again, under a new SOP Instance UID."""
    number = 1  # as when the first was made: the same polarity, so the same stored values
    wrapped = wrap(
        r, person, hospital, number=number, sop_class=first.sop_class, syntax="explicit",
        burn=False, uid_salt="again",
    )  # fmt: skip
    return _store(
        folder, "PAT00001/STU00001/IM900001", wrapped, r, person, hospital,
        kind="duplicate", duplicate_of=first.sop_instance_uid,
    )  # fmt: skip


def _malformed(folder: Path, r: Radiograph, person: Identity, hospital: Hospital) -> DeliveredFile:
    """A transfer that broke off in the middle of the pixels."""
    wrapped = wrap(
        r, person, hospital, number=0, sop_class="CR", syntax="explicit", burn=False,
        uid_salt="cut",
    )  # fmt: skip
    cut = wrapped.data[: len(wrapped.data) * 6 // 10]
    return _store(
        folder, "PAT00000/STU00001/IM900002", wrapped, r, person, hospital,
        kind="malformed", data=cut,
    )  # fmt: skip


def _pdf(folder: Path, r: Radiograph, person: Identity, hospital: Hospital) -> DeliveredFile:
    """The report that somebody exported with the images."""
    uid = derived_uid("pdf", hospital.slug, person.patient_id)
    study = derived_uid("study", hospital.slug, person.patient_id, r.study)
    relative = f"{person.patient_id}_report/REPORT_{person.patient_id}.dcm"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(encapsulated_pdf(person, hospital, r.study, uid, study))
    return DeliveredFile(
        path=path,
        relative=relative,
        kind="pdf",
        expectation="withheld",
        reason="not-an-image",
        sop_instance_uid=uid,
        sop_class="PDF",
        syntax="explicit",
        photometric="",
        patient=r.patient,
        study_instance_uid=study,
        planted=(*person.planted_at(r.study), *hospital.planted),
        places=("top", "document"),
    )


def _write_labels(path: Path, files: list[DeliveredFile]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["sop_instance_uid", "finding", "state", "source", "reader"])
        for row in label_rows(files):
            writer.writerow(row)


def label_rows(files: list[DeliveredFile]) -> Iterator[tuple[str, str, str, str, str]]:
    """One row a finding of each image: NIH labels were mined from reports."""
    for file in files:
        if file.kind != "image" or file.radiograph is None:
            continue
        known = [f for f in file.radiograph.findings if f in NIH_FINDINGS]
        uid = file.sop_instance_uid
        if not known and not file.radiograph.findings:
            yield uid, "No Finding", "present", "report_nlp", "nih"
        for finding in known:
            yield uid, finding, "present", "report_nlp", "nih"
        for finding in ("Pneumothorax", "Hernia"):
            if finding not in known:
                yield uid, finding, "absent", "report_nlp", "nih"
