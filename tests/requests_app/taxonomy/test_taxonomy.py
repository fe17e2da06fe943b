"""The label lists, their codes, and what may be carried from one to another."""

from __future__ import annotations

import pytest

from requests_app.taxonomy import (
    TAXONOMY_NAMES,
    CodeEvidence,
    LabelState,
    Mapping,
    Relation,
    UnknownTaxonomy,
    concepts,
    get_taxonomy,
    map_finding,
    map_taxonomy,
    unmapped,
)


@pytest.mark.parametrize("name", TAXONOMY_NAMES)
def test_every_shipped_list_loads_with_unique_keys_and_known_concepts(name: str) -> None:
    taxonomy = get_taxonomy(name)
    assert len(set(taxonomy.keys)) == len(taxonomy.findings) > 10
    for finding in taxonomy.findings:
        assert finding.concept in concepts()
        assert finding.definition
        assert set(finding.parents) <= set(taxonomy.keys)
        assert taxonomy.find(finding.name) is finding
        assert taxonomy.find(finding.key) is finding


def test_chexpert_has_its_fourteen_columns_in_the_order_of_its_files() -> None:
    names = get_taxonomy("chexpert-14").names
    assert len(names) == 14
    assert names[0] == "No Finding"
    assert names[-1] == "Support Devices"


def test_nih_has_fourteen_findings_and_no_finding() -> None:
    names = get_taxonomy("nih-chestxray14").names
    assert len(names) == 15
    assert "Pleural_Thickening" in names


def test_the_portals_own_list_has_what_requests_ask_for_most() -> None:
    keys = set(get_taxonomy("getdata-cxr").keys)
    assert keys == {
        "pneumonia",
        "consolidation",
        "pulmonary_edema",
        "pleural_effusion",
        "pneumothorax",
        "atelectasis",
        "cardiomegaly",
        "nodule",
        "mass",
        "fibrosis",
        "emphysema",
        "rib_fracture",
        "clavicle_fracture",
        "endotracheal_tube",
        "central_line",
        "pacemaker",
        "no_finding",
    }


def test_every_finding_of_the_own_list_has_a_snomed_code_that_says_how_far_it_was_checked() -> None:
    for finding in get_taxonomy("getdata-cxr").findings:
        code = finding.code("SCT")
        assert code is not None, finding.key
        assert code.evidence


def test_a_code_that_could_not_be_confirmed_is_never_offered_for_export() -> None:
    fibrosis = get_taxonomy("getdata-cxr")["fibrosis"]
    assert any(code.verified is CodeEvidence.UNVERIFIED for code in fibrosis.codes)
    assert fibrosis.code("RADLEX") is None


def test_names_are_found_whatever_their_case_spaces_and_underscores() -> None:
    nih = get_taxonomy("nih-chestxray14")
    assert nih.find("pleural thickening") is nih.find("PLEURAL_THICKENING")
    assert get_taxonomy("getdata-cxr").find("PICC") is get_taxonomy("getdata-cxr")["central_line"]
    assert nih.find("unicorn") is None


def test_an_unknown_list_is_named_with_those_that_exist() -> None:
    with pytest.raises(UnknownTaxonomy, match="chexpert-14"):
        get_taxonomy("chexpert")


def test_a_child_maps_to_its_parent_as_broader_and_back_as_narrower() -> None:
    own, chexpert = get_taxonomy("getdata-cxr"), get_taxonomy("chexpert-14")
    there = {(link.target, link.relation) for link in map_finding(own["rib_fracture"], chexpert)}
    assert there == {("fracture", Relation.BROADER)}
    back = {link.target for link in map_finding(chexpert["fracture"], own) if link.relation is Relation.NARROWER}
    assert back == {"rib_fracture", "clavicle_fracture"}


def test_every_link_read_backwards_is_the_opposite_link() -> None:
    opposite = {
        Relation.EXACT: Relation.EXACT,
        Relation.BROADER: Relation.NARROWER,
        Relation.NARROWER: Relation.BROADER,
    }
    for first in TAXONOMY_NAMES:
        for second in TAXONOMY_NAMES:
            there = map_taxonomy(get_taxonomy(first), get_taxonomy(second))
            back = set(map_taxonomy(get_taxonomy(second), get_taxonomy(first)))
            assert {Mapping(link.target, link.source, opposite[link.relation]) for link in there} == back


def test_padchest_mass_may_lie_outside_the_lung_so_it_does_not_become_a_lung_mass() -> None:
    padchest, nih = get_taxonomy("padchest-subset"), get_taxonomy("nih-chestxray14")
    relations = {link.relation for link in map_finding(padchest["mass"], nih) if link.target == "mass"}
    assert relations == {Relation.NARROWER}
    exact = {link.relation for link in map_finding(padchest["pulmonary_mass"], nih) if link.target == "mass"}
    assert exact == {Relation.EXACT}


def test_a_parent_is_never_exported_as_a_child() -> None:
    down = Mapping("fracture", "rib_fracture", Relation.NARROWER)
    assert down.carry(LabelState.PRESENT) is LabelState.NOT_MENTIONED
    assert down.carry(LabelState.POSSIBLE) is LabelState.NOT_MENTIONED
    assert down.carry(LabelState.ABSENT) is LabelState.ABSENT


def test_an_absent_child_says_nothing_of_its_parent() -> None:
    up = Mapping("rib_fracture", "fracture", Relation.BROADER)
    assert up.carry(LabelState.ABSENT) is LabelState.NOT_MENTIONED
    assert up.carry(LabelState.LIKELY) is LabelState.LIKELY


def test_what_an_export_would_lose_is_listed() -> None:
    lost = {f.key for f in unmapped(get_taxonomy("getdata-cxr"), get_taxonomy("chexpert-14"))}
    assert lost == {"emphysema"}


def test_a_normal_image_excludes_findings_but_not_devices() -> None:
    own = get_taxonomy("getdata-cxr")
    assert own.excludes("no_finding", "pneumonia")
    assert not own.excludes("no_finding", "pacemaker")
    assert not own.excludes("pneumonia", "pleural_effusion")
