"""The states of an image that follow from its rows, and CheXpert's wide table of them."""

from __future__ import annotations

import csv
import io

from fulfillment.labels import LabelRow, LabelState, labels_by_image, write_chexpert_csv
from fulfillment.labels.formats import read
from requests_app.spec import UncertaintyPolicy
from requests_app.taxonomy import get_taxonomy

OWN = get_taxonomy("getdata-cxr")
CHEXPERT = get_taxonomy("chexpert-14")


def row(state: LabelState, reader: str) -> LabelRow:
    return LabelRow("a", "file", "mass", "Mass", state, "", reader)


def test_two_readers_who_differ_leave_the_finding_possible() -> None:
    rows = [row(LabelState.PRESENT, "r1"), row(LabelState.ABSENT, "r2")]
    assert labels_by_image(rows) == {"a": {"mass": "possible"}}


def test_problems_never_repeat_what_a_cell_says() -> None:
    table = b"file,finding,state\nDOE^JANE,DOE^JANE,present\nb,Mass,DOE^JANE\n"
    problems = read(table, name="labels.csv", taxonomy=OWN).problems
    assert problems
    assert "DOE" not in "".join(problem.cause + problem.remedy for problem in problems)


def columns(text: str) -> dict[str, dict[str, str]]:
    return {row.pop("Path"): row for row in csv.DictReader(io.StringIO(text))}


def test_a_chexpert_file_carries_children_up_and_parents_never_down() -> None:
    labels = {
        "a": {"rib_fracture": "present", "emphysema": "present"},
        "b": {"rib_fracture": "absent", "pacemaker": "likely", "pleural_effusion": "possible"},
    }
    table = columns(write_chexpert_csv(labels, OWN, UncertaintyPolicy(), target=CHEXPERT))
    assert list(table["a"]) == list(CHEXPERT.names)
    assert table["a"]["Fracture"] == "1.0"
    assert table["b"]["Fracture"] == ""
    assert table["b"]["Support Devices"] == "1.0"
    assert table["b"]["Pleural Effusion"] == "-1.0"
    assert set(table["a"].values()) == {"", "1.0"}
    down = columns(write_chexpert_csv({"c": {"fracture": "present"}}, CHEXPERT, UncertaintyPolicy(), target=OWN))
    assert down["c"]["Rib fracture"] == ""


def test_the_uncertainty_policy_decides_the_numbers() -> None:
    labels = {"a": {"mass": "likely", "nodule": "possible"}}
    policy = UncertaintyPolicy.model_validate({"likely": "uncertain", "possible": "absent", "not_mentioned": "absent"})
    row = columns(write_chexpert_csv(labels, OWN, policy))["a"]
    assert (row["Mass"], row["Nodule"], row["Pneumonia"]) == ("-1.0", "0.0", "0.0")
