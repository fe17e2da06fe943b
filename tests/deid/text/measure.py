"""Measure text de-identification on the hard set: `python -m tests.deid.text.measure dev|heldout|second [--show]`.

Judged by the output alone: an identifier is hit when none of its identifying words stands in the output more often than the harmless
text explains; a harmless word is lost when the output holds it less often. `--show` prints misses and losses (synthetic texts; for
the development half only). Label states: a small matcher of findings that knows negation and doubt, here and nowhere else.
"""

from __future__ import annotations

import json
import re
import sys
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deid.text.clean import clean_text
from deid.text.identifiers import Identifiers
from deid.text.report import clean_report
from tests.support.intervals import wilson

HARD_SET = Path(__file__).parent / "hard_set"
# Words inside a gold span that identify nobody by themselves.
_GENERIC = frozenset((HARD_SET / "generic.txt").read_text(encoding="utf-8").split())
_PLACEHOLDER = re.compile(r"\[[A-Z]+\]|\b90\+")


def words_of(text: str) -> list[str]:
    """Words of a text in lower case, accents kept."""
    return re.findall(r"[^\W_]+", unicodedata.normalize("NFC", text).casefold())


@dataclass
class Tally:
    """Counts of one run."""

    header: list[bool] = field(default_factory=list)
    every: list[bool] = field(default_factory=list)
    harmless: int = 0
    lost: int = 0
    states: int = 0
    changed: int = 0
    notes: list[str] = field(default_factory=list)

    def lines(self) -> Iterator[str]:
        """The figures with their intervals."""
        rows = [
            ("header identifiers removed", sum(self.header), len(self.header)),
            ("all identifiers removed", sum(self.every), len(self.every)),
            ("harmless words removed", self.lost, self.harmless),
        ]
        if self.states:
            rows.append(("label states unchanged", self.states - self.changed, self.states))
        for name, hits, total in rows:
            low, high = wilson(hits, total)
            yield f"{name:28s} {hits:5d} of {total:5d}  {hits / max(1, total):7.2%}  (95 % interval {low:.2%} to {high:.2%})"


def load(kind: str, half: str) -> list[dict[str, Any]]:
    """Entries of the hard set: kind "reports" or "descriptors", half "dev", "heldout" or "second"; none where the set has none."""
    if not (HARD_SET / f"{kind}_{half}.json").is_file():
        return []
    entries: list[dict[str, Any]] = json.loads((HARD_SET / f"{kind}_{half}.json").read_text(encoding="utf-8"))
    return entries


def judge(tally: Tally, entry: dict[str, Any], output: str) -> None:
    """Add one entry's result."""
    text, spans = entry["text"], entry["spans"]
    plain, position = [], 0
    for span in spans:
        plain.append(text[position : span["start"]])
        position = span["end"]
    harmless = Counter(words_of(" ".join([*plain, text[position:]])))
    left = Counter(words_of(_PLACEHOLDER.sub(" ", output)))
    leaked = left - harmless
    for span in spans:
        value = text[span["start"] : span["end"]]
        telling = [w for w in words_of(value) if w not in _GENERIC and (len(w) > 1 or not w.isalpha())] or words_of(
            value
        )
        hit = not any(leaked[word] for word in telling)
        tally.every.append(hit)
        if span["header"]:
            tally.header.append(hit)
        if not hit:
            tally.notes.append(
                f"LEFT {span['kind']}{' HEADER' if span['header'] else ''}: {value!r} in {output[:90]!r}"
            )
    lost = harmless - left
    for word in list(lost):
        if word in _GENERIC:
            # Titles, degrees and the like next to a name may go with it.
            del lost[word]
    tally.harmless += sum(harmless.values())
    tally.lost += sum(lost.values())
    if lost:
        tally.notes.append(f"LOST {sorted(lost.elements())} of {text[:70]!r}")


_FINDINGS = {
    "pneumonia": r"pneumoni[ae]\w*|neumon[ií]as?",
    "effusion": r"effusions?|\w*erg[uü]ss\w*|derrames?",
    "pneumothorax": r"\w*pneumothora\w+|neumot[oó]rax|ptx|pneu\b",
    "cardiomegaly": r"cardiomegal\w+|kardiomegalie|enlarged",
    "edema": r"o?edemas?|stauung\w*|congesti\w+",
    "consolidation": r"consolidat\w+|konsolid\w+",
    "opacity": r"opacit\w+|opacidades|verschattung\w*|infiltra\w+",
    "atelectasis": r"atelecta\w+|(?:dys)?atelekta\w+|dystelektasen|collapse",
    "nodule": r"nodul\w+|n[oó]dul\w+|rundherd\w*",
    "mass": r"mass(?:es)?|masas?",
    "fracture": r"fracture[sd]?|\w*fraktur\w*|fracturas?",
    "emphysema": r"emphysema\w*|\w*emphysem\w*",
    "device": r"tube|catheter|line|picc|pacemaker|zvk|tubus|\w*katheter|cat[eé]ter|sonde|marcapasos",
    "hernia": r"hernia",
}
_NEGATION = re.compile(r"\b(?:no|not|without|free of|negative for|denies|kein\w*|ohne|sin|no se)\b")
_DOUBT = re.compile(
    r"\b(?:may (?:be|also|represent|reflect|indicate|have)|possib\w+|probab\w+|likely|suspicious|versus|cannot be excluded|verdacht|m[oö]glich\w*|probable|fraglich\w*)\b"  # noqa: E501
)


def label_states(text: str) -> dict[str, str]:
    """State of each finding: "absent" when every mention has a negation before it in its sentence, else "possible" or "present"."""
    states: dict[str, str] = {}
    for sentence in re.split(r"(?<=[a-z\])])[.;?!]\s|\n", text.casefold()):
        for finding, pattern in _FINDINGS.items():
            for found in re.finditer(rf"\b(?:{pattern})\b", sentence):
                before = sentence[: found.start()]
                state = "absent" if _NEGATION.search(before) else "possible" if _DOUBT.search(sentence) else "present"
                if states.get(finding) != "present":
                    states[finding] = state if states.get(finding) != "possible" or state == "present" else "possible"
    return states


def measure_reports(half: str) -> Tally:
    """Reports of a half, dates removed."""
    tally = Tally()
    for entry in load("reports", half):
        output = clean_report(entry["text"], Identifiers.of(**entry["header"])).text
        judge(tally, entry, output)
        before, after = label_states(entry["text"]), label_states(output)
        tally.states += len(before)
        tally.changed += sum(before.get(finding) != after.get(finding) for finding in before.keys() | after.keys())
        tally.notes.extend(
            f"STATE {f}: {before.get(f)} -> {after.get(f)} in {entry['text'][:50]!r}"
            for f in before.keys() | after.keys()
            if before.get(f) != after.get(f)
        )
    return tally


def measure_descriptors(half: str, clean: Callable[[str, Identifiers], str] = clean_text) -> Tally:
    """Descriptors of a half."""
    tally = Tally()
    for entry in load("descriptors", half):
        judge(tally, entry, clean(entry["text"], Identifiers.of(**entry["header"])))
    return tally


def main(half: str, *options: str) -> None:
    for name, tally in (("reports", measure_reports(half)), ("descriptors", measure_descriptors(half))):
        print(f"{name}, {half}")
        for line in tally.lines():
            print("  " + line)
        if "--show" in options and half == "dev":
            for note in tally.notes:
                print("    " + note)


if __name__ == "__main__":
    main(*sys.argv[1:])
