"""Putting the corpus together: patients with several visits, every class, encoding and bit depth, and the answer key."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence

from tests.deid.corpus import encode
from tests.deid.corpus.identity import Person, Rng, make_person
from tests.deid.corpus.places import PLACES, describe
from tests.deid.corpus.survive import code_item, put_codes, put_lut, put_technique
from tests.deid.objects import plain_chest, put_pixels

CR, DX, DXP = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1", "1.2.840.10008.5.1.4.1.1.1.1.1"
SC, SC_BYTE, SC_WORD, SC_COLOUR = (f"1.2.840.10008.5.1.4.1.1.7{end}" for end in ("", ".2", ".3", ".4"))
_CLASSES = (CR, CR, CR, DX, DX, DXP, SC, SC_BYTE, SC_WORD, SC_COLOUR)
Burn = Callable[[NDArray[np.generic], Person, Rng], NDArray[np.generic]]
"""A hook that draws text into pixels, (frames, rows, columns[, 3]) in and out; the corpus itself draws none."""


@dataclass
class Case:
    """One file and its answer key.

    secrets: (kind, text) that must not come out. kept: keyword -> value that must. words: keyword -> words that must.
    pixels: stored values, None for lossy encodings. releasable: False where the engine must withhold.
    """

    name: str
    data: bytes
    person: Person
    instance: str
    syntax: str
    places: list[str]
    secrets: list[tuple[str, str]]
    kept: dict[str, object]
    words: dict[str, list[str]]
    lut: list[int]
    visit: date
    study: str
    references: list[str]
    pixels: NDArray[np.generic] | None
    releasable: bool = True
    unknown: list[str] = field(default_factory=list)


def build(seed: int, count: int, *, policy: str = "cxr-research", burn: Burn | None = None) -> list[Case]:
    """`count` files of the seed, about five a patient."""
    rng = np.random.default_rng(seed)
    cases: list[Case] = []
    while len(cases) < count:
        person = make_person(rng)
        files = min(count - len(cases), int(rng.integers(3, 8)))
        instances = [f"{person.root}.{v}.{n}" for n, v in enumerate(rng.integers(1, 10**6, files))]
        for number, instance in enumerate(instances):
            visit = number % 3
            cases.append(_case(person, rng, instance, instances, visit, number, len(cases), policy, burn))
    return cases


def _pixels(rng: Rng, sop_class: str) -> tuple[NDArray[np.generic], int]:
    """(stored values, bits stored); shape (rows, columns), (rows, columns, 3) or (frames, rows, columns)."""
    rows, columns = int(rng.integers(24, 60)) * 2, int(rng.integers(20, 50)) * 2
    seed = int(rng.integers(1 << 30))
    if sop_class == SC_COLOUR or (sop_class == SC and rng.random() < 0.5):
        grey = (plain_chest(rows, columns, 12, seed) >> 4).astype(np.uint8)
        return np.dstack([grey, grey // 2 + 20, grey]), 8
    if sop_class == SC_BYTE or rng.random() < 0.15:
        one = (plain_chest(rows, columns, 12, seed) >> 4).astype(np.uint8)
        return (np.stack([one, one[::-1], one[:, ::-1]]) if sop_class == SC_BYTE else one), 8
    bits = int(rng.choice([10, 12, 12, 14, 15, 16]))
    one16 = plain_chest(rows, columns, bits, seed)
    if sop_class == SC_WORD:
        return np.stack([one16, one16[::-1]]), bits
    if rng.random() < 0.12:
        return (one16.astype(np.int32) - (1 << (bits - 1))).astype(np.int16), bits
    return one16, bits


def _case(
    person: Person, rng: Rng, instance: str, instances: list[str], visit: int, number: int, index: int, policy: str,
    burn: Burn | None,
) -> Case:  # fmt: skip
    sop_class = str(rng.choice(_CLASSES))
    ds, unknown = Dataset(), list[str]()
    ds.SpecificCharacterSet = person.charset
    pixels, bits = _pixels(rng, sop_class)
    pixels = burn(pixels, person, rng) if burn else pixels
    kept = _identity(ds, person, rng, sop_class, instance, visit, policy)
    kept |= put_technique(ds, rng, policy)
    put_codes(ds, rng)
    put_pixels(ds, pixels, bits)
    if sop_class == SC_COLOUR and pixels.ndim == 3:
        pixels = pixels[None]
        ds.NumberOfFrames = 1
    if pixels.dtype.kind != "i" and ds.SamplesPerPixel == 1 and rng.random() < 0.4:
        ds.PhotometricInterpretation = "MONOCHROME1"
    lut = put_lut(ds, rng) if rng.random() < 0.3 else []
    words: dict[str, list[str]] = {}
    for keyword in ("StudyDescription", "SeriesDescription", "ProtocolName", "RequestedProcedureDescription"):
        text, harmless = describe(person, rng, unknown)
        setattr(ds, keyword, text[:64])
        words[keyword] = harmless if len(text) <= 64 else []
    references = _references(ds, instances, rng, sop_class)
    chosen = [PLACES[int(i)] for i in rng.choice(len(PLACES), int(rng.integers(2, 5)), replace=False)]
    before = set(ds.keys())
    for place in chosen:
        place(ds, person, rng, unknown)
    del before
    kept = {k: v for k, v in kept.items() if _same(ds.get(k), v)}
    words = {k: v for k, v in words.items() if all(w in str(ds.get(k)) for w in v)}
    syntax = _syntax(rng, ds, pixels, bits)
    data = encode.to_file(ds, syntax, person)
    data = encode.hide_around(data, person, rng, deflated=syntax == encode.DEFLATED)
    return Case(
        name=f"{index:04d}_{person.surname.replace(' ', '')}.dcm", data=data, person=person, instance=instance, syntax=syntax,
        places=[place.__name__ for place in chosen], secrets=_secrets(person, unknown, policy), kept=kept, words=words, lut=lut,
        visit=person.visits[visit], study=f"{person.root}.77.{visit}", references=references,
        pixels=None if syntax in encode.LOSSY else pixels, unknown=unknown,
    )  # fmt: skip


def _same(have: object, want: object) -> bool:
    return str(have) == str(want) or (isinstance(want, list) and [str(v) for v in have or []] == [str(v) for v in want])  # type: ignore[call-overload]


def _syntax(rng: Rng, ds: Dataset, pixels: NDArray[np.generic], bits: int) -> str:
    colour, frames = ds.SamplesPerPixel == 3, int(ds.get("NumberOfFrames", 1) or 1)
    while True:
        syntax = str(rng.choice(encode.SYNTAXES))
        if encode.allowed(syntax, bits, ds.BitsAllocated, pixels.dtype.kind == "i", colour, frames):
            return syntax


def _identity(
    ds: Dataset, person: Person, rng: Rng, sop_class: str, instance: str, visit: int, policy: str
) -> dict[str, object]:
    """The mandatory modules; returns what must survive of them."""
    day = person.visits[visit].strftime("%Y%m%d")
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, instance
    ds.StudyInstanceUID, ds.SeriesInstanceUID = f"{person.root}.77.{visit}", f"{person.root}.78.{visit}"
    ds.StudyDate = ds.SeriesDate = ds.AcquisitionDate = ds.ContentDate = day
    ds.StudyTime = "100000"
    ds.AccessionNumber = person.requests[0] + str(visit)
    ds.Modality = "DX" if sop_class in (DX, DXP) else "OT" if sop_class.startswith(SC) else "CR"
    ds.Manufacturer, ds.ReferringPhysicianName = "Agfa", f"{person.physician}^{person.physician_given}"
    ds.PatientName, ds.PatientID, ds.PatientSex = person.name, person.mrn, person.sex
    ds.PatientBirthDate = person.born.strftime("%Y%m%d")
    ds.StudyID, ds.SeriesNumber, ds.InstanceNumber = person.requests[1], str(visit + 1), str(rng.integers(1, 9))
    ds.BodyPartExamined = "CHEST"
    ds.ImageType = ["ORIGINAL", "PRIMARY"] if rng.random() < 0.6 else ["DERIVED", "PRIMARY", "POST_PROCESSED"]
    kept = {
        k: ds.get(k)
        for k in ("SOPClassUID", "Modality", "PatientSex", "BodyPartExamined", "SeriesNumber", "InstanceNumber")
    }
    kept["ImageType"] = list(ds.ImageType)
    if sop_class in (DX, DXP):
        ds.PresentationIntentType = "FOR PRESENTATION" if sop_class == DX else "FOR PROCESSING"
        ds.ImageLaterality, ds.BurnedInAnnotation, ds.LossyImageCompression = "U", "NO", "00"
        ds.PixelIntensityRelationship, ds.PixelIntensityRelationshipSign = "LOG", 1
        ds.RescaleIntercept, ds.RescaleSlope, ds.RescaleType = "0", "1", "US"
        ds.PresentationLUTShape, ds.DetectorType = "IDENTITY", "SCINTILLATOR"
        ds.AcquisitionContextSequence = Sequence([])
        kept["PresentationIntentType"] = ds.PresentationIntentType
    elif sop_class.startswith(SC):
        ds.ConversionType = "WSD"
        kept["ConversionType"] = "WSD"
        if sop_class != SC:
            ds.BurnedInAnnotation = "NO"
    if rng.random() < 0.4:
        block = ds.private_block(0x0045, "GEMS_HELIOS_01", create=True)
        block.add_new(0x02, "FL", 1.25)
        if policy != "safe-harbor":
            kept["private GEMS_HELIOS_01"] = 1.25
            ds["private_creator"] if False else None
    return kept


def _references(ds: Dataset, instances: list[str], rng: Rng, sop_class: str) -> list[str]:
    """References to other files of the patient; returns their original UIDs in order."""
    others = [str(u) for u in rng.choice(instances, min(2, len(instances)), replace=False)]
    items = []
    for uid in others:
        item = Dataset()
        item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = CR, uid
        item.PurposeOfReferenceCodeSequence = Sequence([code_item("121311", "DCM", "Localizer")])
        items.append(item)
    ds.SourceImageSequence = Sequence(items)
    return others


def _secrets(person: Person, unknown: list[str], policy: str) -> list[tuple[str, str]]:
    found = [("name", w) for w in person.words] + [("stranger", w) for w in unknown]
    found += [("place", w) for w in person.place_words] + [("number", n) for n in person.numbers]
    found += [("contact", person.email), ("uid", person.root)]
    dates = person.dates if policy != "limited-data-set" else [person.born]
    return found + [("date", day.isoformat()) for day in dates]
