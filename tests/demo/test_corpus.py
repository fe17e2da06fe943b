"""The delivery: complete, repeatable, and leaking in every place that de-identification must close."""

from __future__ import annotations

import csv
import io
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from pydicom import dcmread

from tests.support.corpus import SAMPLE, DeliveredFile, Delivery, build_delivery
from tests.support.hostile import hostile_files
from tests.support.iods import iod_faults
from tests.support.leaks import LeakFinder, dicom_text, find_leaks
from tests.support.planting import PLACES


@pytest.fixture(scope="module")
def phantoms(tmp_path_factory: pytest.TempPathFactory) -> Delivery:
    return build_delivery(tmp_path_factory.mktemp("phantoms"), seed=4, source="phantom")


@pytest.fixture(scope="module")
def delivery(request: pytest.FixtureRequest, phantoms: Delivery) -> Delivery:
    if request.param == "phantom":
        return phantoms
    root = request.getfixturevalue("tmp_path_factory").mktemp("real")
    return build_delivery(root, seed=4, source="real")


both = pytest.mark.parametrize(
    "delivery",
    ["phantom", pytest.param("real", marks=pytest.mark.real_data)],
    indirect=True,
    scope="module",
)


def images(delivery: Delivery) -> list[DeliveredFile]:
    return [f for f in delivery.files if f.kind == "image"]


@both
def test_the_delivery_has_what_it_promises(delivery: Delivery) -> None:
    kinds = Counter(f.kind for f in delivery.files)
    assert kinds == {"image": 40, "duplicate": 1, "malformed": 1, "pdf": 1}
    assert len({f.syntax for f in images(delivery)}) >= 5
    assert {f.sop_class for f in images(delivery)} == {"CR", "DX"}
    assert {f.photometric for f in images(delivery)} == {"MONOCHROME1", "MONOCHROME2"}
    assert [len([f for f in h.files if f.kind == "image"]) for h in delivery.hospitals] == [20, 20]
    assert sum(f.burned for f in delivery.files) == 8
    assert {place for f in images(delivery) for place in f.places} == set(PLACES)
    assert all(f.path.is_file() for f in delivery.files)
    patients = [{f.patient for f in h.files} for h in delivery.hospitals]
    assert not patients[0] & patients[1]
    assert len({f.sop_instance_uid for f in delivery.files}) == 43
    assert all((f.reason == "") == (f.expectation == "released") for f in delivery.files)


@both
def test_every_image_is_a_valid_object_with_the_pixels_it_should_have(delivery: Delivery) -> None:
    for file in images(delivery):
        ds = dcmread(file.path)
        assert iod_faults(ds) == [], file.relative
        assert ds.SOPInstanceUID == file.sop_instance_uid
        pixels = ds.pixel_array
        assert pixels.shape == file.shape
        assert file.sample is not None
        assert np.array_equal(pixels[::SAMPLE, ::SAMPLE], file.sample)
        assert int(pixels.max()) < 4096


@both
def test_every_planted_kind_is_found_in_the_raw_delivery(delivery: Delivery) -> None:
    finder = LeakFinder(delivery.planted)
    found: set[str] = set()
    for file in delivery.files:
        found |= {leak.kind for leak in finder.find(file.path.read_bytes())}
    assert found == {item.kind for item in delivery.planted}


@both
def test_every_image_leaks_its_own_patient_and_visit(delivery: Delivery) -> None:
    for file in images(delivery):
        kinds = {leak.kind for leak in find_leaks(file.path.read_bytes(), file.planted)}
        always = {"patient.family", "patient.id", "patient.birth_date", "study.date"}
        assert always <= kinds, file.relative
        uids = {leak.kind for leak in find_leaks(file.path.read_bytes(), delivery.original_uids)}
        assert uids == {"uid"}


def test_every_hiding_place_shows_up_on_its_own(phantoms: Delivery) -> None:
    def own(file: DeliveredFile) -> LeakFinder:
        return LeakFinder([p for p in file.planted if p.kind.startswith("patient.")])

    seen = Counter[str]()
    for file in images(phantoms):
        data = file.path.read_bytes()
        ds = dcmread(file.path)
        finder = own(file)
        if "preamble" in file.places:
            seen["preamble"] += bool(finder.find(data[:128]))
        if "file-meta" in file.places:
            seen["file-meta"] += bool(finder.find(ds.file_meta.PrivateInformation))
        if "private-unknown-vr" in file.places and file.syntax != "implicit":
            seen["private-unknown-vr"] += bool(finder.find(ds[0x0009, 0x1020].value))
        if "trailing" in file.places:
            seen["trailing"] += bool(finder.find(ds[0xFFFC, 0xFFFC].value))
            if file.syntax == "deflated":
                seen["after-deflate"] += bool(finder.find(data[-80:]))
        if "overlay" in file.places:
            seen["overlay"] += ds[0x6000, 0x3000].value.count(0) < len(ds[0x6000, 0x3000].value)
            seen["overlay-label"] += bool(finder.find(str(ds[0x6000, 0x1500].value).encode()))
        if "original-attributes" in file.places:
            inner = ds.OriginalAttributesSequence[0].ModifiedAttributesSequence[0]
            seen["original-attributes"] += bool(finder.find(str(inner.PatientName).encode()))
        if "orphan-private" in file.places:
            seen["orphan-private"] += (0x0021, 0x3145) in ds and (0x0021, 0x0031) not in ds
        if "icon" in file.places:
            seen["icon"] += ds.IconImageSequence[0].PixelData.count(255) > 50
    assert all(count >= 2 for count in seen.values()), seen
    assert len(seen) == 10, seen


def test_names_survive_their_character_sets(phantoms: Delivery) -> None:
    sets = set()
    for side in phantoms.hospitals:
        by_id = {person.patient_id: person for person in side.identities}
        for file in side.files:
            if file.kind == "image":
                ds = dcmread(file.path)
                person = by_id[ds.PatientID]
                assert str(ds.PatientName) == person.person_name
                sets.add(person.charset)
    assert len(sets) >= 6


def test_descriptors_hold_the_name_and_the_words_that_must_survive(phantoms: Delivery) -> None:
    for side in phantoms.hospitals:
        by_id = {person.patient_id: person for person in side.identities}
        for file in side.files:
            if file.kind == "image":
                ds = dcmread(file.path)
                person = by_id[ds.PatientID]
                assert {person.family, person.given} & {ds.StudyDescription.split(" for ")[1]}
                for keyword, words in file.must_survive.items():
                    assert all(word in str(ds[keyword].value) for word in words)


@both
def test_an_output_is_matched_to_its_source_even_when_masked(delivery: Delivery) -> None:
    for file in images(delivery):
        output = file.pixels().copy()
        height, width = output.shape
        output[: height // 9, : width // 2] = 7
        best = delivery.match(output)[0]
        assert best.sop_instance_uid in (file.sop_instance_uid, file.duplicate_of)
    assert delivery.match(np.zeros((50, 50), np.uint16)) == []
    assert delivery.match(np.zeros(images(delivery)[0].shape, np.uint16)) == []


def test_the_duplicate_has_the_same_pixels_and_another_uid(phantoms: Delivery) -> None:
    copy = next(f for f in phantoms.files if f.kind == "duplicate")
    first = next(f for f in phantoms.files if f.sop_instance_uid == copy.duplicate_of)
    assert copy.sop_instance_uid != first.sop_instance_uid
    assert np.array_equal(copy.pixels(), first.pixels())
    assert dcmread(copy.path).StudyInstanceUID == dcmread(first.path).StudyInstanceUID


def test_the_malformed_file_cannot_be_decoded(phantoms: Delivery) -> None:
    broken = next(f for f in phantoms.files if f.kind == "malformed")
    with pytest.raises((ValueError, EOFError, AttributeError)):
        _ = broken.pixels()


def test_the_pdf_is_an_encapsulated_document_with_a_name_in_it(phantoms: Delivery) -> None:
    report = next(f for f in phantoms.files if f.kind == "pdf")
    ds = dcmread(report.path)
    assert ds.SOPClassUID == "1.2.840.10008.5.1.4.1.1.104.1"
    assert ds.EncapsulatedDocument.startswith(b"%PDF-")
    assert find_leaks(ds.EncapsulatedDocument, report.planted)


@both
def test_glyph_masks_cover_the_text_and_the_clean_pixels_lack_it(delivery: Delivery) -> None:
    for file in (f for f in delivery.files if f.burned):
        assert file.glyphs is not None
        assert file.clean is not None
        burned = file.pixels()
        assert file.glyphs.sum() > 800
        assert file.glyph_coverage(burned) == 0
        assert file.glyph_coverage(file.clean) > 0.97
        assert file.changed_elsewhere(burned) == 0
        assert 0 < file.changed_elsewhere(file.clean) < 0.08


@both
def test_labels_name_delivered_images_only(delivery: Delivery) -> None:
    for side in delivery.hospitals:
        with side.labels.open(newline="", encoding="utf-8") as stream:
            rows = list(csv.DictReader(stream))
        assert list(rows[0]) == ["sop_instance_uid", "finding", "state", "source", "reader"]
        delivered = {f.sop_instance_uid for f in side.files if f.kind == "image"}
        assert {r["sop_instance_uid"] for r in rows} <= delivered
        assert len(rows) > 20
        assert {r["state"] for r in rows} == {"present", "absent"}


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    one, two = (build_delivery(tmp_path / name, seed=4, source="phantom", images=4) for name in "ab")
    assert len(one.files) == 7
    for first, second in zip(one.files, two.files, strict=True):
        assert first.relative == second.relative
        assert first.path.read_bytes() == second.path.read_bytes()
    assert one.planted == two.planted
    other = build_delivery(tmp_path / "c", seed=5, source="phantom", images=4)
    assert {p.value for p in other.planted if p.kind == "patient.id"}.isdisjoint(p.value for p in one.planted)


def test_the_zoo_is_as_hostile_as_its_labels() -> None:
    zoo = hostile_files()
    assert len(zoo) >= 15
    assert all(len(data) < 4_000_000 for data in zoo.values())
    assert zoo["polyglot-executable.dcm"][:2] == b"MZ"
    assert zoo["polyglot-executable.dcm"][128:132] == b"DICM"
    assert dcmread(io.BytesIO(zoo["polyglot-executable.dcm"])).pixel_array.shape == (64, 48)
    assert dcmread(io.BytesIO(zoo["huge-rows.dcm"])).Rows == 65535
    assert dcmread(io.BytesIO(zoo["huge-frames.dcm"])).NumberOfFrames == 2_000_000_000
    assert str(dcmread(io.BytesIO(zoo["encapsulated-pdf.dcm"])).Modality) == "DOC"
    with pytest.raises(RecursionError):
        dcmread(io.BytesIO(zoo["deep-nesting.dcm"]))
    assert len(dcmread(io.BytesIO(zoo["many-elements.dcm"]))) > 15_000
    assert dicom_text(zoo["truncated-header.dcm"]) is not None
