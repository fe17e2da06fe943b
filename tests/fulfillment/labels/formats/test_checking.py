"""Labels against images, and names against the taxonomy: what is told, with which factor, and what never happens."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fulfillment.labels.formats import (
    Entry,
    ImageRef,
    Shape,
    check_against,
    extras,
    match_images,
    read,
    suggest_mapping,
)
from requests_app.taxonomy import LabelState, get_taxonomy

pytestmark = pytest.mark.pure
OWN, CHEXPERT = get_taxonomy("getdata-cxr"), get_taxonomy("chexpert-14")
MASS = Entry(ImageRef("file", "a.png"), "Mass", key="mass")


def codes(
    entries: list[Entry], images: dict[ImageRef, tuple[int, int] | None], **how: object
) -> list[tuple[int | str, str]]:
    return [(problem.row, problem.code) for problem in check_against(entries, images, **how)]  # type: ignore[arg-type]


def boxed(*sides: float, image: str = "a.png", row: int = 2) -> Entry:
    return replace(MASS, shape=Shape.of_box(*sides), image=ImageRef("file", image), row=row)


def test_images_are_matched_by_name_then_file_name_then_stem_and_never_by_guess() -> None:
    here = [
        ImageRef("file", "x/a.png"),
        ImageRef("file", "y/a.png"),
        ImageRef("file", "y/b.png"),
        ImageRef("sop_instance_uid", "2.25.9"),
    ]
    ask = {
        ImageRef("file", "x/a.png"): ("x/a.png", "exact"),
        ImageRef("file", "a.png"): (None, "ambiguous"),
        ImageRef("file", "b.png"): ("y/b.png", "file name"),
        ImageRef("image_id", "b"): ("y/b.png", "stem"),
        ImageRef("file", "d/2.25.9.dcm"): ("2.25.9", "stem"),
        ImageRef("accession_number", "b"): (None, "unmatched"),
    }
    found = match_images(ask, here)
    assert {ref: (match.image.value if match.image else None, match.why) for ref, match in found.items()} == ask


def test_a_mask_of_another_size_is_told_with_the_factor() -> None:
    def remedy(rows: int, columns: int) -> str:
        mask = replace(MASS, shape=Shape.of_mask(np.ones((rows, columns))), row=2)
        (problem,) = check_against([mask], {MASS.image: (200, 100)})
        assert problem.code == "MASK_SIZE"
        return problem.remedy

    assert "Scale the mask by 4 " in remedy(50, 25)
    assert "swapped" in remedy(100, 200)
    assert "2 across and 4 down" in remedy(50, 50)


def test_a_stated_size_that_the_image_has_not_is_told_with_both_factors() -> None:
    (problem,) = check_against([boxed(1, 1, 5, 5)], {MASS.image: (2000, 3000)}, stated={MASS.image: (1000, 1000)})
    assert problem.code == "IMAGE_SIZE"
    assert "multiply x by 3 and y by 2" in problem.remedy


@pytest.mark.parametrize(
    ("scale", "code"),
    [(1.0, None), (2.5, "BOXES_TOO_LARGE"), (0.4, "BOXES_TOO_SMALL"), (0.001, "BOXES_NORMALISED")],
)
def test_boxes_drawn_on_pictures_of_another_size_are_noticed_as_a_whole(scale: float, code: str | None) -> None:
    spots = [
        (100, 200),
        (600, 300),
        (550, 700),
        (120, 640),
        (500, 500),
        (650, 650),
        (300, 200),
        (200, 700),
        (610, 90),
        (80, 80),
    ]
    entries = [
        boxed(x * scale, y * scale, 200 * scale, 200 * scale, image=f"{n}.png", row=n)
        for n, (x, y) in enumerate(spots, start=2)
    ]
    images: dict[ImageRef, tuple[int, int] | None] = {entry.image: (1000, 1000) for entry in entries}
    found = {problem.code for problem in check_against(entries, images)} & {
        "BOXES_TOO_LARGE",
        "BOXES_TOO_SMALL",
        "BOXES_NORMALISED",
    }
    assert found == ({code} if code else set())


def test_one_reader_contradicts_himself_and_two_readers_do_not() -> None:
    said = [replace(MASS, row=2, reader="R1"), replace(MASS, row=3, reader="R1", state=LabelState.ABSENT)]
    images = {MASS.image: None}
    assert codes(said, images) == [(2, "CONTRADICTION"), (3, "CONTRADICTION")]
    assert codes([said[0], replace(said[1], reader="R2")], images) == []
    assert codes([said[0], replace(said[1], extra=extras(list="columns"))], images) == []
    assert codes([said[0], replace(said[0], row=9)], images) == [(9, "REPEATED")]
    assert codes([said[0], replace(said[1], state=LabelState.NOT_MENTIONED)], images) == []


def test_a_parent_is_never_taken_for_a_child() -> None:
    suggested = suggest_mapping(["Lung Opacity", "Fracture", "Effusion", "Mass", "Pneumotorax", "Wonder"], OWN)
    assert {name: (found.key if found else None, why.value) for name, (found, why) in suggested.items()} == {
        "Lung Opacity": (None, "narrower"),
        "Fracture": (None, "narrower"),
        "Effusion": ("pleural_effusion", "alias"),
        "Mass": ("mass", "exact"),
        "Pneumotorax": ("pneumothorax", "near"),
        "Wonder": (None, "none"),
    }
    table = b"file,finding,state\na.png,Lung Opacity,present\nb.png,Lung Opacity,absent\n"
    imported = read(table, taxonomy=OWN, mapping={"Lung Opacity": "Consolidation"})
    assert [(entry.state.value, entry.key) for entry in imported.entries] == [
        ("present", ""),
        ("absent", "consolidation"),
    ]
    assert [(problem.row, problem.code) for problem in imported.problems] == [(2, "PARENT_AS_CHILD")]


def test_a_child_waits_for_a_word_and_then_carries_what_is_present_only() -> None:
    table = b"file,finding,state\na.png,Nodule,present\nb.png,Nodule,absent\n"
    waiting = read(table, taxonomy=CHEXPERT)
    assert [entry.key for entry in waiting.entries] == ["", ""]
    assert [(problem.row, problem.code) for problem in waiting.problems] == [(2, "FINDING_NEEDS_CONFIRMING")]
    said = read(table, taxonomy=CHEXPERT, mapping={"Nodule": "Lung Lesion"})
    assert [entry.key for entry in said.entries] == ["lung_lesion", ""]
    assert [(problem.row, problem.code) for problem in said.problems] == [(3, "ABSENT_CHILD")]


def test_a_name_left_out_takes_its_labels_with_it_and_an_unknown_target_is_told() -> None:
    table = b"file,finding,state\na.png,Wonder,present\na.png,Mass,present\n"
    assert [entry.key for entry in read(table, taxonomy=OWN, mapping={"Wonder": None}).entries] == ["mass"]
    (problem,) = read(table, taxonomy=OWN, mapping={"Wonder": "Miracle"}).problems
    assert problem.code == "MAPPING_UNKNOWN"
    assert "Wonder" not in problem.cause


def test_no_problem_repeats_what_a_cell_holds() -> None:
    secret = "Doe^Jane"
    lines = [
        "file,finding,state,reader,shape,x,y,width,height,outline",
        f"{secret},{secret},present,r,,,,,,",
        f"a.png,Mass,{secret},r,,,,,,",
        f"a.png,Mass,present,r,box,{secret},1,1,1,",
        f"a.png,Mass,present,r,{secret},1,1,1,1,",
        f"a.png,Mass,present,r,mask,1,1,1,1,{secret}",
    ]
    imported = read("\n".join(lines).encode(), taxonomy=OWN)
    problems = [*imported.problems, *check_against(imported.entries, {})]
    assert len(problems) >= 5
    assert secret not in repr(problems)
