"""Words as the lexicon knows them: one form for plural and British spelling, and the commonest slips of the keyboard.

A word that nobody knows is compared, by one lookup, with every single-letter slip (one letter lost, added, changed, or two
swapped) of the long words of findings. Short words are left alone: one letter makes another word of them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
#: The words whose slips are known. Eight letters and more, so that a slip of one is not another word of the trade.
SLIPPED = (
    "atelectasis",
    "atelectatic",
    "cardiomegaly",
    "consolidation",
    "effusion",
    "effusions",
    "emphysema",
    "emphysematous",
    "fibrosis",
    "fracture",
    "granuloma",
    "infiltrate",
    "infiltrates",
    "opacities",
    "opacity",
    "pneumonia",
    "pneumothorax",
    "pulmonary",
    "thickening",
    "enlarged",
    "hernia",
    "cardiac",
)
# Real words one letter away from one above.
_OTHERS = frozenset(
    {
        "diffusion",
        "infusion",
        "infusions",
        "effusive",
        "pneumonic",
        "fractured",
        "fractures",
        "enlarge",
        "enlarges",
        "cardia",
    }
)


def slips(word: str) -> set[str]:
    """Every string one slip away from `word`: about 53 for each letter."""
    halves = [(word[:i], word[i:]) for i in range(len(word) + 1)]
    lost = {a + b[1:] for a, b in halves if b}
    swapped = {a + b[1] + b[0] + b[2:] for a, b in halves if len(b) > 1}
    changed = {a + c + b[1:] for a, b in halves if b for c in _LETTERS}
    added = {a + c + b for a, b in halves for c in _LETTERS}
    return (lost | swapped | changed | added) - {word}


def word_forms(vocabulary: Iterable[str], forms: Mapping[str, Iterable[str]]) -> dict[str, str]:
    """Written word -> the lexicon's word, for every word of the vocabulary, its plural, its listed forms and its slips."""
    known = {word: word for word in vocabulary}
    for word, written in forms.items():
        for other in written:
            known[other] = word
    for word in list(known):
        # "lens" and "mas" are nobody's plural: short words and those that end in s keep their own.
        if len(word) > 2 and not word.endswith("s"):
            known[f"{word}s"] = known[word]
    for word in SLIPPED:
        target = known.get(word)
        if target is not None:
            for slip in slips(word):
                if slip not in _OTHERS:
                    known.setdefault(slip, target)
    return known
