"""Where a report says what it saw, what it concludes, and what it was asked.

Headers stand at a line's start ("FINDINGS:", "Impression", "CLINICAL HISTORY -"), or inside a line when they end a sentence or are in
capitals, as in exports that lost their line breaks. What precedes the first header is the body, and a body is read as findings are.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from fulfillment.labels.reports.lexicon import END, lexicon, phrases, read_table
from fulfillment.labels.reports.sentences import SHORT_LINE

#: Sections whose text speaks about this image. The others say what was asked, how it was made, or what it was compared with.
READ_SECTIONS = frozenset({"body", "findings", "impression", "addendum", "recommendation"})

_UNREAD = READ_SECTIONS | {"signature"}
#: Longest header in words and characters: how far before a colon one may begin.
_WORDS, _REACH = 5, 48
# A colon; or a dash or nothing after the only words of a line.
_MARK = re.compile(
    r":(?!\d)"
    # An addendum's header may name who wrote it and when.
    r"|(?:^|(?<=\n))[ \t]*(?P<addendum>ADDENDUM|Addendum)\b[^\n:]{0,60}(?::\d\d[^\n:]{0,20})?:"
    r"|(?:^|(?<=\n))[ \t>*#_]{0,8}(?P<alone>[A-Za-z][A-Za-z /&]{1,40}?)[ \t*_]{0,4}(?P<after>-[ \t]|(?=\r?\n)|$)"
)
#: Headers that capitals alone show inside a line. "CHEST 2 VIEWS:" is the examination's name, and what follows is its reading.
_SHOUTED = frozenset(("findings", "impression", "indication", "history", "comparison", "recommendation"))
_LETTERS = re.compile(r"[^\W\d_]+")
_WORD = re.compile(r"[A-Za-z]+|[/&]")
_ONE_LINE = frozenset(("examination", "comparison", "technique"))
_NEXT_LINE = re.compile(r"\n[ \t\r]*(?=[A-Z])")
_PARAGRAPH = re.compile(r"\n[ \t\r]*\n\s*(?=\S)")
_FIRST_SENTENCE = re.compile(r"[.!?](?=\s)|\n")


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a report: ``text[start:end]``, header not included. `name` is one of ours ("findings", "impression", "indication"
    ...).
    """

    name: str
    start: int
    end: int


@cache
def _headers() -> dict[tuple[str, ...], str]:
    table: dict[str, list[str]] = read_table("sections.toml")["headers"]
    return {row: kind for kind, listed in table.items() for written in listed for row in phrases(written) if row}


def _header_before(text: str, colon: int) -> tuple[int, str] | None:
    """Where the header that ends at a colon begins, and its kind; None if those words are none, or stand inside a sentence."""
    begin = max(0, colon - _REACH)
    line = text.rfind("\n", begin, colon) + 1
    words = list(_WORD.finditer(text, max(begin, line), colon))[-_WORDS:]
    if not words or text[words[-1].end() : colon].strip(" \t*_"):
        return None
    for first in range(len(words)):
        kind = _headers().get(tuple(word.group().lower() for word in words[first:]))
        if kind is None:
            continue
        start = words[first].start()
        before = text[max(0, start - 2) : start]
        alone = not text[text.rfind("\n", 0, start) + 1 : start].strip(" \t>*#_-\u2022") if start - line < 12 else False
        if alone or before.endswith(("  ", "\t", ".")) or (before[:1] in ".!?)]\"'\u201d" and before[1:] == " "):
            return start, kind
        if kind in _SHOUTED and len(words) - first <= 2 and text[start].isupper() and before[-1:].isspace():
            return start, kind
        return None
    return None


def sections(text: str) -> list[Section]:
    """The parts of a report in their order; together they hold everything but the headers. A text without headers is one body."""
    found: list[Section] = []
    name, begin = "body", 0
    for match in _MARK.finditer(text):
        if match.group("addendum"):
            header: tuple[int, str] | None = (match.start("addendum"), "addendum")
        elif match.group() == ":":
            header = _header_before(text, match.start())
        else:
            row = tuple(word.lower() for word in _WORD.findall(match.group("alone")))
            kind = _headers().get(row)
            # A word alone on its line is a header if it is written as one: "Impression", not "effusion and" or "chest".
            shown = kind is not None and match.group("alone")[0].isupper() and kind != "signature"
            header = (match.start("alone"), kind) if shown and kind is not None else None
        if header is None or header[0] < begin:
            continue
        _close(text, found, name, begin, header[0])
        name, begin = header[1], match.end()
    _close(text, found, name, begin, len(text))
    return _with_something_to_read(text, found)


def _close(text: str, found: list[Section], name: str, begin: int, end: int) -> None:
    """Add a section; one that only says what was asked ends at its first empty line, because the reading follows there."""
    if not text[begin:end].strip():
        return
    if name not in READ_SECTIONS and name != "signature":
        content = begin + len(text[begin:end]) - len(text[begin:end].lstrip())
        gap = _PARAGRAPH.search(text, content, end)
        line = _NEXT_LINE.search(text, content, end) if name in _ONE_LINE else None
        # "EXAM: XR CHEST", and on the next line the reading: the line was short, so it did not end because the page did.
        if line is not None and (gap is None or line.start() < gap.start()) and line.start() - content < SHORT_LINE:
            gap = line
        if gap is not None:
            found.append(Section(name, begin, gap.start()))
            found.append(Section("body", gap.end(), end))
            return
    found.append(Section(name, begin, end))


def _reads(text: str, section: Section) -> bool:
    """Whether a section is a reading: by its header, or, if it has none, because it names a finding or a part of the chest."""
    if section.name != "body":
        return section.name in READ_SECTIONS
    rules = lexicon()
    for match in _LETTERS.finditer(text, section.start, section.end):
        word = match.group().lower()
        meaning = rules.trie.get(rules.forms.get(word, word), {}).get(END)
        if meaning is not None and (meaning.findings or meaning.subjects):
            return True
    return False


def _with_something_to_read(text: str, found: list[Section]) -> list[Section]:
    """A report whose reading has no header of its own.

    After "COMPARISON: None. The heart is ..." it is what follows the first sentence, or the first line. What stands before
    the first header is taken for a letterhead where headers follow. Where an impression follows, only a comparison, technique or
    examination is looked into: an indication may have several sentences of its own.
    """
    rest = found[1:] if found and found[0].name == "body" else found
    reading = {section.name for section in rest if _reads(text, section)}
    if not rest or not reading.isdisjoint(("findings", "body")):
        return found
    names = {section.name for section in rest} - _UNREAD if not reading else _ONE_LINE
    last = next((section for section in reversed(rest) if section.name in names), None)
    if last is None:
        return found
    content = last.start + len(text[last.start : last.end]) - len(text[last.start : last.end].lstrip())
    stop = _FIRST_SENTENCE.search(text, content, last.end)
    if stop is None or not text[stop.end() : last.end].strip():
        return found
    place = found.index(last)
    cut = [Section(last.name, last.start, stop.end()), Section("body", stop.end(), last.end)]
    return [*found[:place], *cut, *found[place + 1 :]]
