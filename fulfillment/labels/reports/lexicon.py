"""The phrases of findings, cues and parts of the body, read from the data files beside this module into one trie.

Looking a phrase up walks word by word; the longest phrase wins. The tables are read once, on first use.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

from fulfillment.labels.reports.spelling import word_forms
from requests_app.taxonomy import LabelState

#: What a cue says of a finding. "resolved" is absent now; "asked" and "history" are no statement about this image.
CUE_KINDS = ("absent", "resolved", "likely", "possible", "asked", "history", "known", "nothing", "end")
_CERTAINTY: dict[str, LabelState | None] = {
    "phrases": LabelState.PRESENT,
    "likely": LabelState.LIKELY,
    "possible": LabelState.POSSIBLE,
    "denied": None,
}
END = ""  # the trie's key for "a phrase ends here"; no token is empty


@dataclass(slots=True)
class Meaning:
    """What a phrase can mean. Several may be true of one phrase ("suspected" looks both ways)."""

    #: concept -> how certain the words alone are; None where they say something only when denied
    findings: dict[str, LabelState | None] = field(default_factory=dict)
    forward: str = ""
    back: str = ""
    ends: bool = False
    subjects: tuple[int, ...] = ()
    #: (observation, state) of which this is the predicate
    predicates: dict[int, str] = field(default_factory=dict)
    abnormal: bool = False
    normal: bool = False


@dataclass(frozen=True, slots=True)
class Observation:
    """A finding that is said of a part of the body: concepts it speaks of."""

    concepts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Everything the rules know, ready for lookup."""

    trie: dict[str, Any]
    forms: dict[str, str]
    observations: tuple[Observation, ...]
    #: lists of single words by what they show: "asserts", "sides", "still", "abbreviations"
    words: dict[str, frozenset[str]]


def phrases(written: str) -> Iterator[tuple[str, ...]]:
    """The rows of words that a phrase of the data files stands for: `a|b` is a choice, `(a)` may be left out, `a_b` is two words."""
    choices: list[list[str]] = []
    for part in re.findall(r"\([^)]*\)|\S+", written):
        optional = part.startswith("(")
        words = part.strip("()").split("|")
        choices.append([*words, ""] if optional else words)

    def expand(rest: list[list[str]]) -> Iterator[tuple[str, ...]]:
        if not rest:
            yield ()
            return
        for tail in expand(rest[1:]):
            for word in rest[0]:
                yield (*word.replace("_", " ").split(), *tail)

    yield from expand(choices)


def read_table(name: str) -> dict[str, Any]:
    """A data file of this package."""
    return tomllib.loads(resources.files(__package__).joinpath("data", name).read_text("utf-8"))


class _Builder:
    def __init__(self, forms: dict[str, list[str]]) -> None:
        self.known: dict[tuple[str, ...], Meaning] = {}
        self._canonical = {other: word for word, others in forms.items() for other in others}

    def meaning(self, written: str) -> Iterator[Meaning]:
        for row in phrases(written):
            if row:
                canonical = tuple(self._canonical.get(word, word) for word in row)
                yield self.known.setdefault(canonical, Meaning())

    def trie(self, forms: dict[str, str]) -> dict[str, Any]:
        root: dict[str, Any] = {}
        for row, meaning in self.known.items():
            node = root
            for word in row:
                node = node.setdefault(forms.get(word, word), {})
            node[END] = meaning
        return root


@cache
def lexicon() -> Lexicon:
    """The tables, read and indexed once."""
    findings, cues = read_table("lexicon.toml"), read_table("cues.toml")
    builder = _Builder(findings["forms"])
    for row in findings["finding"]:
        concepts = (row["concept"], *row.get("also", ()))
        for key, state in _CERTAINTY.items():
            for written in row.get(key, ()):
                for meaning in builder.meaning(written):
                    meaning.findings.update(dict.fromkeys(concepts, state))
    for table in findings["nothing"]:
        for written in table["phrases"]:
            for meaning in builder.meaning(written):
                meaning.findings.clear()
    for table in findings["abnormal"]:
        for written in table["phrases"]:
            for meaning in builder.meaning(written):
                meaning.abnormal = True
    for written in findings["normal"]["phrases"]:
        for meaning in builder.meaning(written):
            meaning.normal = True
            if written.startswith("no "):
                meaning.forward = "absent"  # "no findings to suggest pneumonia"
    observations = []
    for index, row in enumerate(findings["observation"]):
        observations.append(Observation((row["concept"], *row.get("also", ()))))
        for written in row["subject"]:
            for meaning in builder.meaning(written):
                meaning.subjects = (*meaning.subjects, index)
        for key in ("present", "likely", "borderline", "absent"):
            for written in row[key]:
                for meaning in builder.meaning(written):
                    meaning.predicates[index] = key
    for cue in cues["cue"]:
        for written in cue["phrases"]:
            for meaning in builder.meaning(written):
                if cue["kind"] == "end":
                    meaning.ends = True
                elif cue["looks"] == "forward":
                    meaning.forward = cue["kind"]
                elif cue["kind"] == "nothing":
                    meaning.forward = "nothing"
                elif cue["looks"] == "back":
                    meaning.back = cue["kind"]
    words = {name: frozenset(listed.split()) for name, listed in cues["words"].items()}
    vocabulary = {word for row in builder.known for word in row}
    forms = word_forms(vocabulary, findings["forms"])
    return Lexicon(builder.trie(forms), forms, tuple(observations), words)
