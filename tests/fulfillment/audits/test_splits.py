"""Leave-one-site-out folds: nobody, and no copy, on both sides."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fulfillment.audits.splits import COLUMNS, Item, describe, leave_one_site_out, rows_of, tied

pytestmark = pytest.mark.pure

names = st.sampled_from(["", "a", "b", "c", "d", "e", "f"])
items = st.lists(
    st.builds(
        lambda number, patient, site, clusters: (patient, site, clusters),
        st.integers(),
        names,
        st.sampled_from(["", "s1", "s2", "s3", "s4"]),
        st.lists(st.sampled_from(["x", "y", "z", "w"]), max_size=2),
    ),
    max_size=40,
).map(
    lambda rows: [Item(f"i{at}", patient, site, tuple(clusters)) for at, (patient, site, clusters) in enumerate(rows)]
)


@given(items)
def test_no_patient_and_no_cluster_crosses(rows: list[Item]) -> None:
    splits = leave_one_site_out(rows)
    for fold in splits.folds:
        test, train = [rows[at] for at in fold.test], [rows[at] for at in fold.train]
        assert not {row.patient for row in test if row.patient} & {row.patient for row in train}
        assert not {c for row in test for c in row.clusters} & {c for row in train for c in row.clusters}
        assert {row.site for row in test} <= {fold.site} and fold.site not in {row.site for row in train}
        assert "" not in {row.site for row in train}, "an image of no known site may be of the tested one"
        assert sorted([*fold.test, *fold.train, *fold.left_out]) == list(range(len(rows)))


@given(items)
def test_every_image_of_a_known_site_is_tested_once(rows: list[Item]) -> None:
    splits = leave_one_site_out(rows)
    tested = sorted(at for fold in splits.folds for at in fold.test.tolist())
    expected = [at for at, row in enumerate(rows) if row.site] if len(splits.sites) >= 3 else []
    assert tested == expected


@given(items)
def test_an_image_is_left_out_for_a_reason_only(rows: list[Item]) -> None:
    groups = tied(rows)
    for fold in leave_one_site_out(rows).folds:
        at_the_site = set(groups[fold.test].tolist())
        for place in fold.left_out.tolist():
            assert rows[place].site == "" or groups[place] in at_the_site


def test_copies_tie_patients_through_others() -> None:
    chain = [
        Item("1", "p", "s1", ("x",)),
        Item("2", "q", "s2", ("x", "y")),
        Item("3", "r", "s3", ("y",)),
        Item("4", "t", "s4"),
    ]
    groups = tied(chain)
    assert groups[0] == groups[1] == groups[2] != groups[3]
    splits = leave_one_site_out(chain)
    assert splits.folds[0].train.tolist() == [3] and splits.folds[0].left_out.tolist() == [1, 2]


@pytest.mark.parametrize("sites", [0, 1, 2])
def test_under_three_sites_external_validation_is_impossible(sites: int) -> None:
    rows = [Item(str(at), str(at), f"s{at % sites}" if sites else "") for at in range(30)]
    found = describe(leave_one_site_out(rows), {"x": np.zeros(30)})
    assert (
        not found["possible"] and found["message"].startswith("external validation impossible") and found["folds"] == []
    )


def test_a_fold_with_too_few_of_a_kind_says_so() -> None:
    rows = [Item(str(at), str(at), f"s{at % 3}") for at in range(600)]
    y = np.array([float(at % 4 == 0) for at in range(600)])
    rare = np.array([float(at < 30) for at in range(600)])
    found = describe(leave_one_site_out(rows), {"common": y, "rare": rare})
    assert found["usable_folds"] == {"common": 3, "rare": 0}
    why = found["folds"][0]["findings"][1]["why"]
    assert "test has 10 with it" in why and "50 are needed" in why


def test_the_table_has_a_row_for_each_image_and_fold() -> None:
    rows = [Item(str(at), str(at), f"s{at % 3}") for at in range(9)]
    table = list(rows_of(leave_one_site_out(rows), rows))
    assert len(table) == 27 and len(COLUMNS) == len(table[0])
    assert table[0] == ("0", "test_s0", "test") and table[1] == ("1", "test_s0", "train")
