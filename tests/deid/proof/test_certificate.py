"""The certificate: canonical, signed, verifiable, honest about its class; every change is found and located."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from deid import load_policy
from deid.headers.marks import option_codes
from deid.profile.table import table_rows
from deid.proof import (
    BatchFacts,
    Measured,
    NotMeasured,
    ReportFacts,
    SigningKey,
    build_certificate,
    check_certificate,
    render,
)
from deid.proof.canonical import NotCanonical, canonical, merkle_root
from deid.proof.certificate import FORMAT, OPTION_MEANINGS, make_seal, utc_instant
from deid.proof.intervals import clopper_pearson, percent, wilson
from deid.proof.pdf import certificate_pdf
from deid.proof.safe_harbor import IDENTIFIERS, identifiers_section, legal_class, letters_of, mapped_keywords
from deid.proof.signature import seal_signature

KEY = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(32))))
OTHER = SigningKey(Ed25519PrivateKey.from_private_bytes(bytes(range(1, 33))))
RESEARCH = load_policy("cxr-research")


def record(n: int) -> dict[str, Any]:
    return {
        "output": f"PAT/2.25.1/2.25.{n}.dcm", "output_sha256": f"{n:064x}", "pixel_sha256_out": f"{n + 99:064x}",
        "touched": {"PatientName": "patient-name", "RequestAttributesSequence[0].RequestingPhysician": "remove",
                    "StudyDate": "date", "(0099,1001)": "remove", "StudyDescription": "text"},
        "masks": [{"frame": 0}] * (n % 2), "markers_kept": 1, "detector": "net/1", "pixel_passthrough": n % 2 == 0,
        "review": ["mask-large"] * (n % 2), "verified": {"structure": True, "dates": False},
    }  # fmt: skip


def measured(missed: int = 0) -> Measured:
    return Measured(
        2, kinds={"headers": [100, 100], "pixels": [20, 20 - missed]},
        places={("headers", "PatientName"): [2, 2], ("pixels", "burned-in text"): [20, 20 - missed]},
    )  # fmt: skip


def facts(**changes: Any) -> BatchFacts:
    made = BatchFacts(
        policy=RESEARCH, key_id="abc123", issued_at="2026-03-01T12:00:00Z", released=[record(n) for n in range(5)],
        withheld={"not-dicom": 2, "identifier-left": 1}, canaries=measured(),
        report=ReportFacts(("a" * 64, "b" * 64), "c" * 64),
    )  # fmt: skip
    return replace(made, **changes)


def certificate() -> dict[str, Any]:
    return build_certificate(facts(), KEY)


def test_a_certificate_is_genuine_and_names_its_signer_and_trusts_only_the_given_key() -> None:
    raw = render(certificate())
    plain = check_certificate(raw)
    assert plain.genuine and plain.trusted is None and plain.signer == certificate()["signature"]["fingerprint"]
    assert check_certificate(raw, KEY.public).trusted is True
    verdict = check_certificate(raw, OTHER.public)
    assert not verdict.genuine and verdict.trusted is False


def test_the_same_facts_give_the_same_bytes() -> None:
    assert render(certificate()) == render(certificate())
    assert certificate_pdf(certificate()) == certificate_pdf(certificate())


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path


def changed(value: Any) -> Any:
    if isinstance(value, bool):
        return not value
    return value + 1 if isinstance(value, int) else f"{value}x"


def test_a_change_of_any_value_anywhere_is_found_and_located_by_its_part_and_section() -> None:
    whole = certificate()
    paths = list(leaves(whole))
    assert len(paths) > 800
    for path in paths:
        document = copy.deepcopy(whole)
        at = document
        for step in path[:-1]:
            at = at[step]
        at[path[-1]] = changed(at[path[-1]])
        verdict = check_certificate(render(document))
        assert not verdict.genuine, path
        place = {"statement": f"section {path[1]}" if len(path) > 1 else "", "seal": "se", "format": "certificate"}.get(
            path[0], str(path[0])
        )
        assert any(place in problem for problem in verdict.problems), (path, verdict.problems)


def test_a_change_of_any_single_byte_is_found() -> None:
    raw = render(build_certificate(facts(released=[record(1)]), KEY))
    for at in range(0, len(raw), 211):
        for new in (raw[at] ^ 1, 0x20):
            if new != raw[at]:
                assert not check_certificate(raw[:at] + bytes([new]) + raw[at + 1 :]).genuine, at


@pytest.mark.parametrize(
    "raw",
    [b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, json.dumps({"format": FORMAT}).encode(),
     json.dumps({"format": FORMAT, "statement": 1, "manifest": 2, "seal": 3, "signature": 4}).encode(),
     json.dumps({"format": FORMAT, "statement": {}, "manifest": [], "seal": {}, "signature": {}}).encode()],
)  # fmt: skip
def test_what_is_no_certificate_is_not_genuine_and_raises_nothing(raw: bytes) -> None:
    verdict = check_certificate(raw)
    assert not verdict.genuine and verdict.problems


def test_sections_added_or_taken_out_and_names_that_stand_twice_are_found() -> None:
    added = certificate()
    added["statement"]["extra"] = {"a": 1}
    assert "section extra: it was added" in check_certificate(render(added)).problems[0]
    removed = certificate()
    del removed["statement"]["not_claimed"]
    assert "section not_claimed: it was taken out" in check_certificate(render(removed)).problems[0]
    twice = render(certificate()).replace(b'"format"', b'"format": "x",\n "format"', 1)
    assert not check_certificate(twice).genuine


def test_a_forger_who_seals_and_signs_anew_is_told_by_the_key() -> None:
    forged = certificate()
    forged["statement"]["counts"]["withheld"] = 0
    forged["seal"] = make_seal(forged["statement"])
    assert not check_certificate(render(forged)).genuine
    forged["signature"] = seal_signature(canonical(forged["seal"]), OTHER)
    assert check_certificate(render(forged)).genuine  # nothing in it contradicts itself, so only the key can tell
    assert not check_certificate(render(forged), KEY.public).genuine


def test_a_signature_has_one_spelling() -> None:
    for part in ("public_key", "value", "fingerprint"):
        shouted = certificate()
        shouted["signature"][part] = shouted["signature"][part].upper()
        assert not check_certificate(render(shouted)).genuine, part


def test_an_unsigned_certificate_is_not_genuine() -> None:
    verdict = check_certificate(render(build_certificate(facts(), None)))
    assert not verdict.genuine and "nobody vouches" in verdict.problems[0]


def test_counts_options_manifest_and_second_look_say_what_happened() -> None:
    statement = certificate()["statement"]
    assert statement["counts"]["inputs"] == 8 and statement["counts"]["withheld"] == 3
    assert {entry["reason"]: entry["count"] for entry in statement["counts"]["withheld_by_reason"]} == {
        "not-dicom": 2, "identifier-left": 1,
    }  # fmt: skip
    assert statement["second_look"]["withheld"] == 1
    assert statement["second_look"]["checks"] == [
        {"check": "dates", "passed": 0, "not_applicable": 5}, {"check": "structure", "passed": 5, "not_applicable": 0},
    ]  # fmt: skip
    assert [option["code"] for option in statement["policy"]["options"]] == list(option_codes(RESEARCH))
    assert all(option["meaning"] for option in statement["policy"]["options"])
    assert statement["pixels"]["images_masked"] == 2 and statement["pixels"]["detectors"] == ["net/1"]
    assert statement["manifest"]["files"] == 5


@pytest.mark.parametrize("name", ["cxr-research", "safe-harbor", "limited-data-set"])
def test_every_option_a_policy_can_claim_has_its_meaning(name: str) -> None:
    assert set(option_codes(load_policy(name))) <= set(OPTION_MEANINGS)


def test_actions_are_counted_under_each_identifier_that_an_attribute_can_carry() -> None:
    section = {entry["letter"]: entry for entry in identifiers_section([record(1), record(2)])}
    assert section["A"]["actions"] == {"patient-name": 2, "remove": 2}
    assert section["A"]["attributes_touched"] == {"PatientName": 2, "RequestingPhysician": 2}
    assert section["C"]["actions"] == {"date": 2}
    assert section["R"]["attributes_touched"] == {"(0099,1001)": 2}
    assert section["text"]["actions"] == {"text": 2}
    assert list(section) == [*IDENTIFIERS, "text"] and len(IDENTIFIERS) == 18


def test_every_attribute_of_the_table_is_mapped_to_an_identifier() -> None:
    assert {row.keyword for row in table_rows()} <= mapped_keywords()


@pytest.mark.parametrize(
    ("keyword", "vr", "letters"),
    [
        ("PatientName", "PN", "A"), ("OtherPatientNames", "PN", "A"), ("InstitutionAddress", "ST", "B"),
        ("PatientBirthDate", "DA", "C"), ("PatientAge", "AS", "C"), ("PatientTelephoneNumbers", "SH", "DEF"),
        ("PatientID", "LO", "GH"), ("MedicalRecordLocator", "LO", "H"), ("InsurancePlanIdentification", "LO", "I"),
        ("AccessionNumber", "SH", "J"), ("DeviceSerialNumber", "LO", "M"), ("DeviceUID", "UI", "MR"),
        ("RetrieveURL", "UR", "N"), ("StationAETitle", "AE", "MO"), ("IconImageSequence", "SQ", "Q"),
        ("SOPInstanceUID", "UI", "R"), ("(0099,1001)", "", "R"),
    ],
)  # fmt: skip
def test_well_known_attributes_carry_the_identifiers_one_expects(keyword: str, vr: str, letters: str) -> None:
    assert letters_of(keyword, vr) == frozenset(letters)


def test_a_safe_harbor_claim_is_possible_only_when_nothing_that_is_kept_stands_against_it() -> None:
    strict = load_policy("safe-harbor")
    assert legal_class(strict, missed=0).name == "safe-harbor-possible"
    assert legal_class(strict, missed=1).name == "not-established"
    assert legal_class(RESEARCH, missed=0).name == "limited-data-set"
    kept = legal_class(load_policy("limited-data-set"), missed=0)
    assert kept.name == "limited-data-set" and any("full" in line for line in kept.against)
    assert legal_class(replace(strict, age_cap_years=95), missed=0).name == "limited-data-set"
    assert legal_class(replace(strict, date_mode="shift"), missed=0).against


def test_canaries_that_were_not_run_are_said_not_to_have_been() -> None:
    document = build_certificate(facts(canaries=NotMeasured("Switched off.")), KEY)
    assert document["statement"]["canaries"] == {"measured": False, "reason": "Switched off."}
    assert certificate_pdf(document).startswith(b"%PDF-")


def test_a_certificate_of_nothing_and_one_with_foreign_letters_are_printed_too() -> None:
    nothing = facts(
        released=[], withheld={}, report=ReportFacts(()), canaries=measured(3), subject={"batch": "Größe 王"}
    )
    document = build_certificate(nothing, None)
    assert certificate_pdf(document).startswith(b"%PDF-")
    assert document["statement"]["class"]["class"] == "not-established"


@pytest.mark.parametrize("value", [1.5, {"a": float("nan")}, {"ä": 1}, 2**60, [b"bytes"], {1: 2}])
def test_values_without_one_spelling_are_refused(value: Any) -> None:
    with pytest.raises(NotCanonical):
        canonical(value)


def test_the_canonical_form_is_that_of_rfc_8785() -> None:
    assert canonical({"b": [True, None, "é\n"], "a": 10}) == '{"a":10,"b":[true,null,"é\\n"]}'.encode()


def test_the_root_depends_on_every_row_and_on_their_order() -> None:
    rows = [[f"{n}", "a", "b"] for n in range(7)]
    roots = {merkle_root(rows[:n]) for n in range(8)} | {merkle_root(rows[::-1])}
    assert len(roots) == 9


@pytest.mark.parametrize(
    ("found", "planted", "score", "exact"),
    [
        (0, 10, ("0.00", "27.76"), ("0.00", "30.85")),
        (10, 10, ("72.24", "100.00"), ("69.15", "100.00")),
        (74, 78, ("87.53", "98.00"), ("87.38", "98.59")),
        (210, 212, ("96.62", "99.75"), ("96.63", "99.89")),
    ],
)
def test_the_intervals_are_those_of_the_books(
    found: int, planted: int, score: tuple[str, str], exact: tuple[str, str]
) -> None:
    for got, wanted in ((wilson(found, planted), score), (clopper_pearson(found, planted), exact)):
        assert abs(float(got[0]) - float(wanted[0])) <= 0.02 and abs(float(got[1]) - float(wanted[1])) <= 0.02


def test_a_recall_is_never_rounded_up_to_perfection() -> None:
    assert percent(9_999, 10_000) == "99.99" and percent(99_999, 100_000) == "99.99" and percent(3, 3) == "100.00"
    assert clopper_pearson(5_000, 5_000)[1] == "100.00"


def test_times_of_issue_are_written_in_utc() -> None:
    assert utc_instant("2026-03-01T12:00:00+02:00") == "2026-03-01T10:00:00Z" == utc_instant("2026-03-01T10:00:00")
    with pytest.raises(ValueError):
        utc_instant("yesterday")
