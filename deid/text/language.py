"""The language of a text, by its function words."""

from __future__ import annotations

from functools import cache

from deid.text.tokens import Token
from deid.text.vocabulary import FUNCTION, RADIOLOGY, common_flag, languages, plain_flag


@cache
def _flags() -> tuple[tuple[str, int], ...]:
    return tuple((language, plain_flag(language) | common_flag(language)) for language in languages())


def guess_language(tokens: list[Token]) -> str:
    """The language whose words are most often there and in no other; English when nothing speaks for another."""
    scores = dict.fromkeys(languages(), 0)
    every = sum(flag for _, flag in _flags())
    for token in tokens[:400]:
        plain = token.flags & every
        if plain:
            for language, flag in _flags():
                if not plain & ~flag:
                    scores[language] += 3 if token.flags & FUNCTION else 1
                elif plain & flag and token.flags & FUNCTION:
                    scores[language] += 1
        elif token.flags & RADIOLOGY and not token.word.isascii():
            continue
    best = max(sorted(scores), key=lambda language: scores[language])
    return best if scores[best] > scores.get("en", 0) else "en"
