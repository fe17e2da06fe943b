"""Reading label tables, and writing them again."""

from __future__ import annotations

import csv
import io

from hypothesis import given, settings
from hypothesis import strategies as st

from fulfillment.labels import (
    LabelRow,
    LabelState,
    labels_by_image,
    read_label_table,
    write_chexpert_csv,
    write_generic_csv,
)
from requests_app.spec import UncertaintyPolicy
from requests_app.taxonomy import get_taxonomy

OWN = get_taxonomy("getdata-cxr")
CHEXPERT = get_taxonomy("chexpert-14")


def read(*lines: str) -> tuple[list[LabelRow], dict[int, str]]:
    rows, problems = read_label_table("\n".join(lines), OWN)
    return rows, {problem.row: problem.code for problem in problems}


def test_a_plain_table_is_read() -> None:
    rows, problems = read("sop_instance_uid,finding,state,source,reader", "2.25.7,effusion,Present,image,r1")
    assert problems == {}
    assert rows == [
        LabelRow(
            "2.25.7", "sop_instance_uid", "pleural_effusion", "Pleural effusion", LabelState.PRESENT, "image", "r1", 2
        )
    ]


def test_columns_may_stand_in_any_order_case_and_separator() -> None:
    rows, problems = read("State;Finding;File", "absent;Mass;a/b.dcm")
    assert problems == {}
    assert (rows[0].image, rows[0].image_kind, rows[0].finding, rows[0].state) == (
        "a/b.dcm",
        "file",
        "mass",
        LabelState.ABSENT,
    )


def test_chexpert_numbers_are_understood_as_states() -> None:
    rows, _ = read("file,finding,state", "a,Mass,1.0", "b,Mass,0", "c,Mass,-1", "d,Mass,")
    assert [row.state.value for row in rows] == ["present", "absent", "possible", "not_mentioned"]


def test_bad_rows_are_told_by_number_and_good_ones_are_kept() -> None:
    rows, problems = read(
        "file,finding,state",
        "a,Pneumotorax,present",
        "a,Mass,maybe",
        ",Mass,present",
        "",
        "b,Mass,present",
    )
    assert problems == {2: "FINDING_UNKNOWN", 3: "STATE_UNKNOWN", 4: "IMAGE_MISSING"}
    assert [row.row for row in rows] == [6]


def test_a_misspelt_finding_gets_a_suggestion() -> None:
    _, problems = read_label_table("file,finding,state\na,Pneumotorax,present", OWN)
    assert problems[0].remedy.startswith("Did you mean 'Pneumothorax'?")


def test_a_uid_that_a_spreadsheet_rounded_is_caught() -> None:
    assert read("sop_instance_uid,finding,state", "2.25E+38,Mass,present")[1] == {2: "UID_MALFORMED"}


def test_contradictions_are_told_and_neither_row_is_used() -> None:
    rows, problems = read("file,finding,state", "a,Mass,present", "a,Mass,absent", "b,Mass,absent")
    assert problems == {2: "CONTRADICTION", 3: "CONTRADICTION"}
    assert [row.image for row in rows] == ["b"]


def test_two_readers_may_differ() -> None:
    rows, problems = read("file,finding,state,reader", "a,Mass,present,r1", "a,Mass,absent,r2")
    assert problems == {}
    assert labels_by_image(rows) == {"a": {"mass": "possible"}}


def test_a_repeated_row_counts_once() -> None:
    rows, problems = read("file,finding,state", "a,Mass,present", "a,mass,1")
    assert len(rows) == 1
    assert problems == {3: "REPEATED"}


def test_a_table_without_its_columns_says_which_are_missing() -> None:
    rows, problems = read_label_table("image,label\nx,y", OWN)
    assert rows == []
    assert problems[0].cause == "The header has no column sop_instance_uid (or file), state."


def test_an_empty_table_and_one_that_is_no_csv_are_problems_and_not_crashes() -> None:
    assert read_label_table("", OWN)[1][0].code == "EMPTY_TABLE"
    _, problems = read_label_table("file,finding,state\n" + "x" * 200_000 + ",Mass,present", OWN)
    assert {problem.code for problem in problems} == {"NOT_CSV"}


def test_problems_never_repeat_what_a_cell_says() -> None:
    _, problems = read_label_table("file,finding,state\nDOE^JANE,DOE^JANE,present\nb,Mass,DOE^JANE", OWN)
    assert len(problems) == 2
    assert not any("DOE" in problem.cause + problem.remedy for problem in problems)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_text_makes_reading_fail(text: str) -> None:
    read_label_table(text, OWN)
    read_label_table("file,finding,state\n" + text, OWN)


words = (
    st.text("abcxyz019-_./ ", min_size=1, max_size=12)
    .map(str.strip)
    .filter(lambda text: bool(text) and not text.startswith(("-", "=")))
)
rows_of_a_table = st.lists(
    st.builds(
        lambda image, finding, state, source, reader: LabelRow(
            image, "file", finding.key, finding.name, state, source, reader
        ),
        words,
        st.sampled_from(OWN.findings),
        st.sampled_from(list(LabelState)),
        st.sampled_from(["", "report", "image"]),
        st.sampled_from(["", "r1", "r2"]),
    ),
    max_size=12,
    unique_by=lambda row: (row.image, row.finding, row.source, row.reader),
)


@settings(deadline=None)
@given(rows_of_a_table)
def test_what_is_written_is_read_back(rows: list[LabelRow]) -> None:
    again, problems = read_label_table(write_generic_csv(rows), OWN)
    assert problems == []
    assert [(r.image, r.finding, r.state, r.source, r.reader) for r in again] == [
        (r.image, r.finding, r.state, r.source, r.reader) for r in rows
    ]


def test_a_cell_that_a_spreadsheet_would_run_is_defused() -> None:
    rows, _ = read("file,finding,state,source", "a,Mass,present,=HYPERLINK(1)")
    assert "'=HYPERLINK" in write_generic_csv(rows)


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
