"""The threat model, the compliance map and the security page name code and tests that exist, and commands that run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parent.parent.parent
DOCUMENTS = (
    "docs/threat-model.md",
    "docs/compliance.md",
    "docs/audit.md",
    "docs/backup.md",
    "docs/keys.md",
    "SECURITY.md",
)
_PATH = re.compile(r"`((?:getdata|fulfillment|requests_app|deid|tests|docs|\.ci)/[\w./-]*)`")
_COMMAND = re.compile(r"manage\.py ([a-z_]+)")


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_file_and_command_that_a_document_names_exists(name: str) -> None:
    text = (ROOT / name).read_text()
    named = set(_PATH.findall(text))
    assert [path for path in sorted(named) if not (ROOT / path).exists()] == []
    assert set(_COMMAND.findall(text)) <= set(get_commands())
    links = re.findall(r"\]\(([\w./-]+\.md)(?:#[\w-]+)?\)", text)
    assert [link for link in links if not ((ROOT / name).parent / link).exists()] == []


@pytest.mark.parametrize("name", ["docs/threat-model.md", "docs/compliance.md"])
def test_every_threat_and_every_duty_has_code_and_a_test(name: str) -> None:
    text = (ROOT / name).read_text().split("## What is left")[0]
    rows = [line for line in text.splitlines() if line.startswith("| ") and "`" in line]
    assert len(rows) > 25
    without = [
        row
        for row in rows
        if not any(path.startswith("tests/") for path in _PATH.findall(row))
        or not any(not path.startswith("tests/") for path in _PATH.findall(row))
    ]
    assert without == []
    if name.endswith("compliance.md"):
        asked = ("164.312", "164.514(b)", "11.10(e)", "11.50", "32(1)(a)", "32(1)(d)")
        assert [duty for duty in asked if duty not in text] == []


def test_every_exception_from_the_rules_of_security_says_why() -> None:
    """ruff's S rules are bandit's; they run over all product code with every lint."""
    unexplained = [
        f"{path.relative_to(ROOT)}:{number}"
        for package in ("getdata", "requests_app", "fulfillment", "deid")
        for path in sorted((ROOT / package).rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(r"# noqa: .*\bS[0-9]{3}\b", line)
        and not re.search(r"[a-z]{2,}", re.sub(r"\b[A-Z]+[0-9]+\b", "", line.partition("# noqa:")[2]))
    ]
    assert unexplained == []
    rules = (ROOT / "pyproject.toml").read_text().split("[tool.ruff.lint]", 1)[1]
    assert '"S"' in rules.split("]", 1)[0]
