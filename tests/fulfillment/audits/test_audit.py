"""The audit of a cohort: what is planted is found, what is not there is not, and what cannot be told is said to be so."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from fulfillment.audits import Picture, audit, picture_of, render_html
from fulfillment.audits.association import associate, corrected, interval
from fulfillment.audits.prediction import predict, shuffled
from fulfillment.audits.tables import Problems
from requests_app.spec import template_specs
from tests.fulfillment.audits.cohorts import Made, Tie, make

pytestmark = pytest.mark.pure

VERDICTS = {"green", "amber", "red", "underpowered"}


def audited(made: Made, **options: Any) -> dict[str, Any]:
    pictures: dict[str, Picture] = {name: picture_of(picture) for name, picture in made.pictures.items()}
    document = audit(made.images, made.labels, pictures=pictures, permutations=100, draws=100, **options)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    assert {test["verdict"] for test in document["tests"]} <= VERDICTS
    return document


def verdicts(document: dict[str, Any], finding: str = "Pneumonia") -> dict[str, str]:
    return {test["factor"]: test["verdict"] for test in document["tests"] if test["finding"] == finding}


# --- what is planted ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tie", "factor"),
    [
        ("site", "site"),
        ("view", "view"),
        ("device", "vendor"),
        ("reader", "reader"),
        ("support_device", "support_device"),
    ],
)
def test_a_label_tied_to_a_column_is_found_and_others_stay_green(tie: Tie, factor: str) -> None:
    document = audited(make(1000, tie=tie, strength=0.6, seed=11))
    assert verdicts(document)[factor] == "red" and document["verdict"] == "red"
    assert {verdict for at, verdict in verdicts(document, "Cardiomegaly").items() if at != factor} == {"green"}


def test_a_marker_in_a_corner_is_found_in_the_pixels() -> None:
    found = verdicts(
        audited(make(500, tie="corner", strength=0.9, prevalence=0.4, seed=5, pictures=True, findings=("Pneumonia",)))
    )
    assert found["corners"] == found["marker"] == "red" and found["metadata"] != "red"


def test_a_null_cohort_has_no_red_and_no_amber() -> None:
    document = audited(make(600, seed=8, pictures=True, prevalence=0.4, findings=("Pneumonia", "Edema")))
    assert document["verdicts"]["red"] == document["verdicts"]["amber"] == 0
    assert document["verdicts"]["green"] > 15


# --- what cannot be told -----------------------------------------------------------------------------------------------


def test_too_few_positive_patients_are_underpowered_however_strong_the_link() -> None:
    document = audited(make(300, tie="site", strength=1.0, seed=2))
    assert set(verdicts(document).values()) == {"underpowered"} and document["verdict"] == "underpowered"
    assert "100 are needed" in document["tests"][0]["why"]
    assert "This is not a pass" in render_html(document)


def test_one_patient_with_many_images_counts_once() -> None:
    made = make(1000, seed=4, per_patient=1.0, findings=("Pneumonia",))
    for number in range(600):
        made.images.append(
            {**made.images[0], "image_id": f"x{number}", "patient_id": "one", "site": "site-99", "view": "AP"}
        )
        made.labels.append(
            {"image_id": f"x{number}", "finding": "Pneumonia", "state": "present", "source": "", "reader": "r1"}
        )
    document = audited(made)
    assert document["verdicts"]["red"] == document["verdicts"]["amber"] == 0
    assert document["cohort"]["most_images_of_a_patient"] == 600


@pytest.mark.parametrize("n", [0, 1, 5])
def test_a_tiny_cohort_is_audited_and_nothing_is_claimed(n: int) -> None:
    document = audited(make(n, seed=1))
    assert document["verdict"] == "underpowered" and {test["verdict"] for test in document["tests"]} <= {"underpowered"}
    assert "<h1>" in render_html(document)


def test_labels_of_one_class_are_underpowered() -> None:
    made = make(400, seed=1, findings=("Pneumonia",))
    for row in made.labels:
        row["state"] = "present"
    found = audited(made, unmentioned="ignore")
    assert {test["verdict"] for test in found["tests"]} == {"underpowered"}
    assert all(test["value"] is None for test in found["tests"])


# --- tables as they are ------------------------------------------------------------------------------------------------


def test_every_bad_row_has_file_row_cause_and_cure() -> None:
    images = [
        {"image_id": "a", "patient_id": "", "age": "060Y", "sex": "Female", "view": "ll"},
        {"image_id": "a", "patient_id": "p"},
        {"image_id": "", "patient_id": "p"},
    ]
    labels = [
        {"image_id": "a", "finding": "X", "state": "Present"},
        {"image_id": "b", "finding": "X", "state": "1"},
        {"image_id": "a", "finding": "X", "state": "perhaps"},
        {"image_id": "a", "finding": "", "state": "1"},
    ]
    problems = Problems()
    document = audit(images, labels, problems=problems, permutations=100)
    rows = {(row["file"], row["row"], row["code"]) for row in document["problems"]["rows"]}
    assert rows == {
        ("images.csv", 0, "NO_PATIENT"),
        ("images.csv", 3, "IMAGE_TWICE"),
        ("images.csv", 4, "NO_IMAGE_ID"),
        ("labels.csv", 3, "IMAGE_UNKNOWN"),
        ("labels.csv", 4, "STATE_UNKNOWN"),
        ("labels.csv", 5, "NO_FINDING"),
    }
    assert all(row["cause"] and row["cure"] for row in document["problems"]["rows"])
    axes = {row["axis"]: row["counts"][0]["category"] for row in document["diversity"]}
    assert (axes["sex"], axes["view"], axes["age_band"], axes["site"]) == (
        "female",
        "lateral",
        "60 to 79",
        "not stated",
    )


def test_not_stated_is_a_category_and_is_found_when_it_goes_with_the_label() -> None:
    made = make(1000, seed=6, findings=("Pneumonia",))
    present = {row["image_id"] for row in made.labels if row["state"] == "present"}
    for row in made.images:
        row["age"] = "" if row["image_id"] in present else row["age"]
    document = audited(made)
    assert verdicts(document)["age_band"] == "red"
    assert {axis["axis"]: axis["missing_share"] for axis in document["diversity"]}["age_band"] > 0.1


def test_a_table_that_never_says_absent_takes_the_others_for_absent_and_says_so() -> None:
    made = make(1000, seed=6)
    made.labels = [row for row in made.labels if row["state"] == "present"]
    balance = audited(made)["balance"]["findings"]
    assert all(row["assumed_absent"] == row["negatives"] > 500 for row in balance)
    ignored = audited(made, unmentioned="ignore")["balance"]["findings"]
    assert all(row["negatives"] == 0 for row in ignored)


def test_further_columns_are_audited_and_identifiers_are_not() -> None:
    made = make(1000, seed=9, findings=("Pneumonia",))
    present = {row["image_id"] for row in made.labels if row["state"] == "present"}
    rng = np.random.default_rng(1)
    for row in made.images:
        ill = row["image_id"] in present
        row |= {"ward": "ICU" if ill and rng.random() < 0.7 else "other", "kvp": f"{rng.normal(110 + 20 * ill, 5):.2f}"}
        row |= {"study_uid": f"1.2.{row['image_id'][1:]}", "token": row["image_id"] * 2, "pneumonia": str(int(ill))}
    document = audited(made)
    found = verdicts(document)
    assert found["ward"] == found["kvp"] == "red" and not {"study_uid", "token", "pneumonia"} & set(found)
    left = {item["factor"] for item in document["not_tested"]}
    assert {"study_uid", "token", "pneumonia"} <= left


def test_a_request_is_counted_cell_by_cell() -> None:
    spec = next(iter(template_specs().values()))
    lines = audited(make(60, seed=1), spec=spec)["balance"]["quotas"]
    assert lines and {line["verdict"] for line in lines} <= VERDICTS and any(line["received"] for line in lines)


def test_readers_who_agree_no_better_than_chance_are_told() -> None:
    made = make(600, seed=3, findings=("Pneumonia",))
    rng = np.random.default_rng(2)
    again = [{**row, "reader": "again", "state": rng.choice(["present", "absent"])} for row in made.labels]
    made.labels += again
    noise = audited(made)["label_noise"]
    assert noise["agreement"][0]["verdict"] == "amber" and abs(noise["agreement"][0]["value"]) < 0.2


# --- the page ----------------------------------------------------------------------------------------------------------


def test_the_page_stands_alone_and_escapes_what_tables_hold() -> None:
    made = make(1000, tie="site", strength=0.9, seed=2)
    for row in made.images:
        row["site"] = f"<script>{row['site']}</script>"
    for row in made.labels:
        row["finding"] = row["finding"].replace("Pneumonia", "<b>Pneumonia")
    page = render_html(audited(made))
    assert "<script" not in page and "<b>" not in page and "&lt;script&gt;" in page
    assert "http" not in page and "What to do." in page


def test_the_same_seed_gives_the_same_document() -> None:
    made = make(400, seed=7)
    assert audited(made, seed=5) == audited(made, seed=5)


# --- the figures -------------------------------------------------------------------------------------------------------


def test_v_is_bergsmas() -> None:
    # A 2 x 2 table of 10, 20, 30, 40: chi-square 0.794 of 100; V by hand from Bergsma's formulas.
    table = np.array([[10, 20], [30, 40]])
    expected = np.outer(table.sum(1), table.sum(0)) / 100
    square = float(((table - expected) ** 2 / expected).sum())
    phi = max(0, square / 100 - 1 / 99)
    assert corrected(square, 1, 100) == pytest.approx(np.sqrt(phi / (1 - 1 / 99)))
    assert corrected(100.0, 1, 100) == pytest.approx(1.0, abs=0.01)


def test_the_interval_of_v_holds_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(0)
    codes, truth, inside = np.repeat([0, 1], 300), 0.2, 0
    for _ in range(100):
        y = (rng.random(600) < np.where(codes == 1, 0.6, 0.4)).astype(float)
        found = associate(y, codes.astype(np.intp), ("a", "b"), np.arange(600))
        assert found.low is not None and found.high is not None
        inside += found.low <= truth <= found.high
    assert inside >= 88
    assert interval(0.0, 3, 500)[0] == 0.0


def test_permuted_labels_stay_alike_within_patients() -> None:
    own = np.repeat(np.arange(50), 4).astype(np.intp)
    label = (np.arange(50) % 5 == 0)[own]
    columns = shuffled(label, own, 50, 20, np.random.default_rng(1))
    for column in columns.T:
        assert all(len(set(column[own == person])) == 1 for person in range(50))
        assert column.sum() == label.sum()
    assert not np.array_equal(columns[:, 0], columns[:, 1])


def test_what_knows_the_label_only_through_the_patient_foretells_nothing() -> None:
    rng = np.random.default_rng(3)
    own = np.repeat(np.arange(300), 5).astype(np.intp)
    label = (rng.random(300) < 0.4).astype(float)[own]
    features = rng.normal(size=(300, 20))[own] + rng.normal(0, 0.01, (1500, 20))
    found = predict(label, features, 3.0, own, permutations=100, draws=100, seed=1)
    assert found.value is not None and found.low is not None and 0.4 < found.value < 0.6 and found.low < 0.55
    assert found.patients == 300 and found.positives == int(label[::5].sum())
