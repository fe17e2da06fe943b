"""The header's own identifiers in a text: names in any spelling, institutions, numbers."""

from __future__ import annotations

import re
from itertools import pairwise

from deid.text.identifiers import PARTICLES, Identifiers
from deid.text.judge import allowed_flags
from deid.text.spelling import one_apart
from deid.text.tokens import CAPITALISED, CODE, DIGITS, LOWER, MIXED, UPPER, Token
from deid.text.vocabulary import FUNCTION, NAME, RADIOLOGY, TITLE, classify

_SPELLED = (" ", ".", ". ", "-", "_", "/")
_PARTED = re.compile(r"[ '’_]\Z|-[ \t]*\n?[ \t]*\Z")
_SENTENCE = re.compile(r"\.\s")
_SOFT = re.compile(r"[ \t]?[.,^/'’&_-]?[ \t]*\Z")


def _capital(token: Token) -> bool:
    """Capitals that mean something."""
    return token.shape in (CAPITALISED, MIXED) or (token.shape == UPPER and not token.loud)


def mark_own(tokens: list[Token], identifiers: Identifiers) -> None:
    """The header's own names, institutions and numbers. A name that radiology uses too is removed only where it stands as a name:
    capitalised inside a sentence, behind a title, or beside another part of the name."""
    _mark_spelled_out(tokens, identifiers)
    if not identifiers.words and not identifiers.guarded and not identifiers.places:
        return
    long_names = [name for name in identifiers.names if len(name) >= 5]
    protected: list[int] = []
    every = allowed_flags(None)
    # In a text that capitalises its names, "young" in lower case is the word.
    cased = sum(token.shape == CAPITALISED and len(token.text) > 1 for token in tokens) >= 3
    for place, token in enumerate(tokens):
        word = token.word
        if word in identifiers.names:
            if token.flags & RADIOLOGY or (cased and token.shape == LOWER and token.flags & every):
                protected.append(place)
            else:
                token.kind = "NAME"
        elif word in identifiers.words:
            if word.isdigit() and len(word) <= 3 and place + 1 < len(tokens) and tokens[place + 1].flags & RADIOLOGY:
                continue
            common = token.flags and not token.flags & NAME
            if not (common and token.shape == LOWER) and not (common and (token.loud or token.opens)):
                token.kind = "NUMBER" if any(c.isdigit() for c in word) else "PLACE"
        elif len(word) >= 5 and long_names and token.shape not in (DIGITS, CODE) and not token.flags & RADIOLOGY:  # noqa: SIM102
            if (not token.flags & ~NAME or (_capital(token) and not token.opens)) and any(
                one_apart(word, name) for name in long_names
            ):
                token.kind = "NAME"
    _mark_parted(tokens, identifiers)
    for place in protected:
        if _stands_as_name(tokens, place, identifiers):
            tokens[place].kind = "NAME"
    _mark_initials(tokens, identifiers)
    for place, token in enumerate(tokens):
        if (
            (
                token.word in identifiers.guarded
                and not token.kind
                and _beside_own(tokens, place, identifiers)
                and token.shape != LOWER
            )
            or (
                token.word in identifiers.guarded
                and token.shape == LOWER
                and token.word in PARTICLES
                and _beside_own(tokens, place, identifiers)
                and not token.kind
            )
            or (cased and token.word in identifiers.guarded and not token.kind and _written_as_name(tokens, place))
        ):
            token.kind = "NAME"
    _mark_places(tokens, identifiers)


def _mark_spelled_out(tokens: list[Token], identifiers: Identifiers) -> None:
    """S M I T H and S.M.I.T.H: four single letters and more with the same mark between them, unless they spell a term (C.O.P.D)."""
    start = 0
    while start < len(tokens):
        if len(tokens[start].text) > 1:
            start += 1
            continue
        end = start + 1
        gap = tokens[end].gap if end < len(tokens) else ""
        while end < len(tokens) and tokens[end].gap == gap and gap in _SPELLED and len(tokens[end].text) == 1:
            end += 1
        run = tokens[start:end]
        if len(run) >= 4 and all(token.text.isalpha() for token in run):
            word = "".join(token.word for token in run)
            ordered = list(word) == sorted(set(word))  # A B C D
            known = not classify(word) & NAME and bool(classify(word))
            if word in identifiers.names or not (ordered or known):
                for token in run:
                    token.kind = token.kind or "NAME"
        start = end


def _mark_parted(tokens: list[Token], identifiers: Identifiers) -> None:
    """A name in two pieces: Feather-stone, Feather stone, at the end of a line too."""
    for first, second in pairwise(tokens):
        if (first.kind and second.kind) or not _PARTED.match(second.gap) or len(first.text) < 2 or len(second.text) < 2:
            continue
        word = first.word + second.word
        if len(word) >= 6 and word in identifiers.names and not (first.flags & second.flags & RADIOLOGY):
            first.kind = second.kind = "NAME"


def _written_as_name(tokens: list[Token], place: int) -> bool:
    """Ng and not NG: an abbreviation of radiology written as names are, and not before what it would belong to ("Ng tube")."""
    token = tokens[place]
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    return (
        token.shape == CAPITALISED
        and len(token.text) >= 2
        and not token.flags & FUNCTION
        and not (
            after is not None and after.gap in (" ", "-") and after.flags & RADIOLOGY and not after.flags & FUNCTION
        )
    )


def _mark_initials(tokens: list[Token], identifiers: Identifiers) -> None:
    """Initials of the header's names beside one of them: (O'Neil, S)."""
    initials = {name[0] for name in identifiers.names}
    for place, token in enumerate(tokens):
        if token.kind or len(token.text) != 1 or not token.text.isupper() or token.word not in initials:
            continue
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if after is not None and after.gap == " " and after.flags & RADIOLOGY and not after.kind:
            continue  # "Smith, L lung"
        if _beside_own(tokens, place, identifiers):
            token.kind = "NAME"


def _beside_own(tokens: list[Token], place: int, identifiers: Identifiers) -> bool:
    """Whether a neighbour (over particles) is another part of the header's own name that is removed."""
    for step in (-1, 1):
        other = place + step
        while 0 <= other < len(tokens):
            gap = tokens[max(other, other - step)].gap
            if not _SOFT.match(gap) or "\n" in gap:
                break
            if _SENTENCE.match(gap) and len(tokens[min(other, other - step)].text) > 3:
                break
            neighbour = tokens[other]
            if neighbour.kind == "NAME" and neighbour.word in identifiers.names:
                return True
            if neighbour.word not in identifiers.guarded and not (
                len(neighbour.text) == 1 and neighbour.text.isupper()
            ):
                break
            other += step
    return False


# What people do and organs do not.
_OF_PEOPLE = frozenset(
    [
        "reports",
        "says",
        "said",
        "denies",
        "denied",
        "complains",
        "attended",
        "came",
        "agreed",
        "told",
        "asked",
        "refused",
        "stated",
        "states",
        "consented",
        "klagt",
        "berichtet",
        "refiere",
        "niega",
        "acude",
    ]
)


def _stands_as_name(tokens: list[Token], place: int, identifiers: Identifiers) -> bool:
    token = tokens[place]
    if token.shape in (CAPITALISED, MIXED) and not token.opens and not token.loud:
        return True
    if token.opens and len(token.text) <= 3 and _written_as_name(tokens, place):
        return True
    before = tokens[place - 1] if place else None
    if (
        before is not None
        and (before.flags & TITLE or before.word in ("name", "patient", "pt", "paciente"))
        and re.fullmatch(r"[.:, \t]{1,3}", token.gap)
        and (token.shape != LOWER or before.flags & TITLE or before.word == "pt")
    ):
        return True
    after = tokens[place + 1] if place + 1 < len(tokens) else None
    if after is not None and after.gap == " " and token.shape != LOWER and after.word in _OF_PEOPLE:
        return True
    for other, gap in ((place - 1, token.gap), (place + 1, tokens[place + 1].gap if place + 1 < len(tokens) else "x")):
        if _SENTENCE.match(gap) and len(tokens[min(place, other)].text) > 3:
            continue  # the end of a sentence: "the cardiac chambers. Atria Chambers"
        if 0 <= other < len(tokens) and _SOFT.match(gap) and "\n" not in gap:
            word = tokens[other].word
            if (
                word in identifiers.names
                and word != token.word
                and (tokens[other].kind == "NAME" or tokens[other].shape != LOWER)
            ):
                return True
    return False


def _mark_places(tokens: list[Token], identifiers: Identifiers) -> None:
    """The header's institutions, whole or shortened word by word (DIST HOSP, Reg. Med. Ctr)."""
    words = [token.word for token in tokens]
    for phrase in identifiers.places:
        parts = [part for part in phrase.split() if part not in ("of", "the", "and", "for", "at")]
        for place, word in enumerate(words):
            for first in range(min(len(parts) - 1, 4)):
                if not _shortens(word, parts[first]):
                    continue
                end, part = place, first
                while end < len(tokens) and part < len(parts) and _shortens(words[end], parts[part]):
                    if end > place and not _SOFT.match(tokens[end].gap):
                        break
                    end, part = end + 1, part + 1
                if end - place >= 2:
                    for token in tokens[place:end]:
                        token.kind = "PLACE"
                    break


_SHORT_FORMS = {
    "hosp": "hospital", "hsp": "hospital", "ctr": "center", "cntr": "center", "med": "medical", "reg": "regional", "rgnl": "regional", "gen": "general",  # noqa: E501
    "genl": "general", "dist": "district", "univ": "university", "comm": "community", "cmty": "community", "meml": "memorial", "mem": "memorial", "natl": "national",  # noqa: E501
    "inf": "infirmary", "clin": "clinic", "st": "saint", "saint": "st", "mt": "mount", "inst": "institute", "centre": "center", "center": "centre",  # noqa: E501
}  # fmt: skip


def _shortens(word: str, whole: str) -> bool:
    return word == whole or _SHORT_FORMS.get(word) == whole or (len(word) >= 4 and whole.startswith(word))
