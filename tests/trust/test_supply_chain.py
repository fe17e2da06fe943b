"""The bill of materials holds what the lock holds, and the audit of packages says what it did not do."""

from __future__ import annotations

import os
import subprocess
import tomllib
from pathlib import Path

import pytest

from getdata.trust.sbom import as_text, sbom

ROOT = Path(__file__).resolve().parent.parent.parent
LOCK, PROJECT = (ROOT / "uv.lock").read_bytes(), (ROOT / "pyproject.toml").read_bytes()


def test_the_bill_of_materials_holds_every_locked_package_with_its_hashes_and_needs() -> None:
    made = sbom(LOCK, PROJECT)
    assert as_text(made) == as_text(sbom(LOCK, PROJECT))
    locked = {(p["name"], p["version"]) for p in tomllib.loads(LOCK.decode())["package"] if p["name"] != "getdata"}
    assert {(part["name"], part["version"]) for part in made["components"]} == locked
    scopes = {part["name"]: part["scope"] for part in made["components"]}
    assert (scopes["django"], scopes["cryptography"], scopes["pytest"]) == ("required", "required", "excluded")
    refs = [part["bom-ref"] for part in made["components"]] + [made["metadata"]["component"]["bom-ref"]]
    assert len(refs) == len(set(refs))
    named = {ref for entry in made["dependencies"] for ref in [entry["ref"], *entry["dependsOn"]]}
    assert named <= set(refs)
    needs = {entry["ref"].split("@")[0]: entry["dependsOn"] for entry in made["dependencies"]}
    assert any(ref.startswith("pkg:pypi/django@") for ref in needs["pkg:pypi/getdata"])
    assert all(
        len(reference["hashes"][0]["content"]) == 64
        for part in made["components"]
        for reference in part["externalReferences"]
    )
    with pytest.raises(ValueError, match=r"uv\.lock"):
        sbom(b"not a lock", PROJECT)


@pytest.mark.parametrize(
    ("says", "status", "required", "expected", "words"),
    [
        ("Found no known vulnerabilities", 0, "0", 0, "no known vulnerability"),
        ("error: Request failed after 3 retries\n  cause: dns error", 2, "0", 0, "NOT MADE"),
        ("error: Request failed after 3 retries\n  cause: dns error", 2, "1", 1, "NOT MADE"),
        ("pillow 11.0.0 has 1 known vulnerability: GHSA-0000", 1, "0", 1, "GHSA-0000"),
    ],
)
def test_the_audit_of_packages_fails_for_a_known_vulnerability_and_says_when_it_was_not_made(
    tmp_path: Path, says: str, status: int, required: str, expected: int, words: str
) -> None:
    fake = tmp_path / "uv"
    fake.write_text(f"#!/bin/sh\nprintf '%s\\n' \"$SAYS\" >&2\nexit {status}\n")
    fake.chmod(0o700)
    environment = {**os.environ, "UV": str(fake), "SAYS": says, "AUDIT_REQUIRED": required}
    done = subprocess.run([ROOT / ".ci" / "audit"], env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == expected
    assert words in done.stdout
