"""The side on which a report sees a finding: "left", "right", "both", or "" where it does not say."""

from __future__ import annotations

from collections.abc import Sequence

from fulfillment.labels.reports.mentions import Mention
from fulfillment.labels.reports.sentences import Word

_SIDES = {
    "left": "left lt leftward lingula lingular lll lul",
    "right": "right rt rightward rll rul rml",
    "both": "bilateral bilaterally bibasilar bibasal biapical both bilat",
}
_SIDE = {word: side for side, words in _SIDES.items() for word in words.split()}
_STOPS = frozenset((",", "with", "without", "no", "but", "and", "or"))
REACH = 9


def side_of(mention: Mention, mentions: Sequence[Mention], words: Sequence[Word]) -> str:
    """The side said with a mention: within its phrase, just before it, or else after it in the same part of the sentence.

    "Bilateral" wins over one side, and both sides together are both: "right greater than left effusions".
    """
    others = {i for m in mentions if (m.first, m.last) != (mention.first, mention.last) for i in range(m.first, m.last)}
    before: set[str] = set()
    for index in range(mention.last - 1, max(-1, mention.first - REACH), -1):
        form = words[index].form
        if index < mention.first and (index in others or (form in _STOPS and not _pair(words, index))):
            break
        if form in _SIDE:
            before.add(_SIDE[form])
    if before:
        return _together(before)
    after: set[str] = set()
    for index in range(mention.last, min(len(words), mention.last + REACH)):
        form = words[index].form
        if index in others or (form in _STOPS and not _pair(words, index)):
            break
        if form in _SIDE:
            after.add(_SIDE[form])
    return _together(after)


def _pair(words: Sequence[Word], index: int) -> bool:
    """ "left and right", "left lower and right upper": the word joins two sides."""
    around = [w.form for w in words[max(0, index - 3) : index]], [w.form for w in words[index + 1 : index + 4]]
    return words[index].form in ("and", "or") and all(any(form in _SIDE for form in part) for part in around)


def _together(sides: set[str]) -> str:
    if not sides:
        return ""
    return sides.pop() if len(sides) == 1 else "both"
