"""From the text of a chest radiograph report to statements with their evidence. Pure, linear in the text, and silent on any input."""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.labels.reports.alternatives import explain, weigh_alternatives
from fulfillment.labels.reports.lexicon import END, Lexicon, lexicon
from fulfillment.labels.reports.mentions import Mention
from fulfillment.labels.reports.normality import no_finding
from fulfillment.labels.reports.observations import Item, observed
from fulfillment.labels.reports.scopes import settle
from fulfillment.labels.reports.sections import READ_SECTIONS, sections
from fulfillment.labels.reports.sentences import Word, sentences
from fulfillment.labels.reports.sides import side_of
from fulfillment.labels.reports.states import Statement
from requests_app.taxonomy import LabelState

#: Changes with every change of rules or lexicon that can change a state. A label says which version read it.
ENGINE_VERSION = "getdata-reports-1.0"

_SAID = {"present": LabelState.PRESENT, "likely": LabelState.LIKELY, "borderline": LabelState.POSSIBLE}


def label_report(text: str) -> list[Statement]:
    """Every statement that a report makes of a finding, in the order of the text.

    Only sections that speak of this image are read; what stands in the indication, the history or the comparison is no statement.
    `start` and `end` are offsets into `text`. Never raises on a string.
    """
    rules = lexicon()
    found: list[Statement] = []
    normal: list[Statement] = []
    weak: list[Statement] = []
    abnormal = False
    for section in sections(text):
        if section.name not in READ_SECTIONS:
            continue
        for words in sentences(text, section.start, section.end, rules):
            items = _items(words, rules)
            if not items:
                continue
            mentions = _mentions(words, items, rules)
            if not mentions:
                continue
            settle(words, items, mentions)
            weigh_alternatives(words, items, mentions)
            explain(words, mentions)
            for mention in mentions:
                if mention.state is None:
                    continue
                if mention.concept == "~abnormal":
                    abnormal = abnormal or mention.state is not LabelState.ABSENT
                    continue
                side = side_of(mention, mentions, words) if mention.state is not LabelState.ABSENT else ""
                start, end = words[mention.first].start, words[mention.last - 1].end
                statement = Statement(mention.concept, mention.state, start, end, section.name, side)
                if mention.concept == "~normal":
                    normal.append(statement)
                elif not mention.concept.startswith("~"):
                    found.append(statement)
                    if mention.weak and mention.state is not LabelState.ABSENT:
                        weak.append(statement)
    if weak:
        denied = {statement.finding for statement in found if statement.state is LabelState.ABSENT}
        doubtful = {id(statement) for statement in weak if statement.finding in denied}
        found = [statement for statement in found if id(statement) not in doubtful]
    verdict = None if abnormal else no_finding(found, normal)
    if verdict is not None:
        found.append(verdict)
    found.sort(key=lambda statement: (statement.start, statement.end))
    return found


def _items(words: Sequence[Word], rules: Lexicon) -> list[Item]:
    """The lexicon's phrases in a sentence, from left to right, the longest first, none overlapping."""
    found: list[Item] = []
    trie = rules.trie
    index, size = 0, len(words)
    while index < size:
        node = trie.get(words[index].form)
        if node is None:
            index += 1
            continue
        best, last = node.get(END), index + 1
        at = index + 1
        while at < size:
            node = node.get(words[at].form)
            if node is None:
                break
            at += 1
            meaning = node.get(END)
            if meaning is not None:
                best, last = meaning, at
        if best is None:
            index += 1
            continue
        found.append(Item(index, last, best))
        index = last
    return found


def _mentions(words: Sequence[Word], items: Sequence[Item], rules: Lexicon) -> list[Mention]:
    """The findings that a sentence speaks of, before any cue is weighed, in the order of their heads."""
    found: list[Mention] = []
    subjects = False
    for item in items:
        meaning = item.meaning
        subjects = subjects or bool(meaning.subjects)
        for concept, state in meaning.findings.items():
            weak = state in (LabelState.LIKELY, LabelState.POSSIBLE)
            found.append(Mention(concept, item.first, item.last, item.first, state, weak=weak))
        if meaning.abnormal:
            found.append(Mention("~abnormal", item.first, item.last, item.first, LabelState.PRESENT))
        if meaning.normal:
            found.append(Mention("~normal", item.first, item.last, item.first, LabelState.PRESENT, settled=True))
    if subjects:
        taken = {(mention.concept, mention.head) for mention in found}
        for seen in observed(words, items):
            for concept in rules.observations[seen.observation].concepts:
                if (concept, seen.head) in taken:
                    continue
                taken.add((concept, seen.head))
                if seen.said == "absent":
                    found.append(Mention(concept, seen.first, seen.last, seen.head, LabelState.ABSENT, settled=True))
                else:
                    weak = seen.said == "borderline"
                    found.append(Mention(concept, seen.first, seen.last, seen.head, _SAID[seen.said], weak=weak))
    found.sort(key=lambda mention: (mention.head, mention.first))
    return found
