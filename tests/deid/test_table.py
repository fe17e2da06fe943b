"""PS3.15 Table E.1-1 as data."""

from __future__ import annotations

from collections import Counter

from deid.dicomfile.element import standard_vr
from deid.headers.decide import decide
from deid.headers.required import CR
from deid.policy import load_policy, shipped_policies
from deid.profile.table import BASIC_ACTIONS, EDITION, find_row, table_rows


def test_the_table_is_edition_2026c_with_all_655_attributes() -> None:
    rows = table_rows()
    assert EDITION == "PS3.15-2026c"
    assert len(rows) == 655
    assert len({row.tag for row in rows}) == 655


def test_every_row_of_the_table_has_a_known_basic_action() -> None:
    assert [row.tag for row in table_rows() if row.basic not in BASIC_ACTIONS] == []


def test_the_basic_column_holds_the_counts_that_the_standard_has() -> None:
    counts = Counter(row.basic for row in table_rows())
    assert (counts["X"], counts["D"], counts["U"], counts["Z"]) == (415, 93, 55, 42)


def test_every_option_cell_is_keep_or_clean() -> None:
    assert {value for row in table_rows() for value in row.options.values()} == {"K", "C"}
    assert sum("clean_descriptors" in row.options for row in table_rows()) == 125


def test_repeating_groups_are_found_by_pattern() -> None:
    curve, overlay = find_row(0x50120010), find_row(0x60023000)
    assert curve is not None and curve.basic == "X"
    assert overlay is not None and overlay.keyword == "OverlayData"
    assert find_row(0x60020010) is None


def test_every_row_resolves_to_an_action_under_every_policy_and_no_removed_row_is_kept() -> None:
    harmless = {
        "remove",
        "empty",
        "dummy",
        "uid",
        "date",
        "text",
        "recurse",
        "patient-name",
        "patient-id",
        "accession",
        "study-id",
        "age",
    }
    for name in shipped_policies():
        policy = load_policy(name)
        for row in table_rows():
            tag = int(row.tag.replace("X", "0"), 16) if "X" in row.tag else int(row.tag, 16)
            for top in (True, False):
                action = decide(tag, policy, CR, top=top)
                kept_by_option = "retain_patient" in row.options and policy.retain_patient_characteristics
                assert action in harmless or (action == "value" and kept_by_option), (row.tag, action)


def test_attributes_outside_ps3_6_and_removed_groups_are_removed() -> None:
    policy = load_policy()
    removed = [
        0x00189999,
        0x50000010,
        0x60003000,
        0x60001500,
        0x00880200,
        0x04000561,
        0x00420011,
        0x54000100,
        0xFFFCFFFC,
        0x00700001,
        0x4FFE0001,
        0xFFFAFFFA,
        0x0040E010,
        0x00080001,
        0x7FE00008,
    ]
    for tag in removed:
        assert decide(tag, policy, CR, top=True) == "remove", f"{tag:08X}"
        assert decide(tag, policy, CR, top=False) == "remove", f"{tag:08X}"


def test_person_names_and_addresses_of_the_web_outside_the_table_do_not_stay() -> None:
    from pydicom.datadict import DicomDictionary

    policy = load_policy()
    for tag in DicomDictionary:
        if standard_vr(tag) in ("PN", "AE", "UR", "UN") and tag != 0x00100010:
            assert decide(tag, policy, CR, top=True) in ("remove", "empty", "dummy"), f"{tag:08X}"
