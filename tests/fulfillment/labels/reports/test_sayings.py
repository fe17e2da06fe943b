"""What reports say and what it means: the lines of ``sayings.txt``, rule by rule."""

from __future__ import annotations

from pathlib import Path

import pytest

from fulfillment.labels.reports import in_taxonomy, label_report
from requests_app.taxonomy import get_taxonomy

pytestmark = pytest.mark.pure
_STATES = {"+": "present", "~": "likely", "?": "possible", "-": "absent"}
_NAMES = {finding.key: finding.name for finding in get_taxonomy("nih-chestxray14").findings}


def rules() -> dict[str, list[tuple[str, dict[str, str]]]]:
    """Rule -> its sayings, each with finding -> state."""
    found: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for line in Path(__file__).with_name("sayings.txt").read_text("utf-8").splitlines():
        if line.startswith("## "):
            found[line[3:]] = []
        elif found and line:
            text, _, meaning = line.rpartition("|")
            states = {word[:-1]: _STATES[word[-1]] for word in meaning.split()}
            found[list(found)[-1]].append((text.strip().replace("\\n", "\n"), states))
    return found


@pytest.mark.parametrize("rule", rules())
def test_sayings_mean_what_they_say(rule: str) -> None:
    wrong = {}
    for text, meaning in rules()[rule]:
        said = {_NAMES[key]: s.state.value for key, s in in_taxonomy(label_report(text), "nih-chestxray14").items()}
        said.pop("No Finding", None)
        if said != meaning:
            wrong[text] = said
    assert wrong == {}
    assert len(rules()[rule]) >= 5
