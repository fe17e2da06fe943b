"""Where a word stands as a name: titles, roles, degrees, signatures, neighbours, institutions."""

from __future__ import annotations

import re

from deid.text.identifiers import PARTICLES
from deid.text.judge import eponym_stays
from deid.text.tokens import CAPITALISED, CODE, DIGITS, LOWER, MIXED, UPPER, Token
from deid.text.vocabulary import (
    DEGREE,
    EPONYM,
    FUNCTION,
    GENERIC,
    LABEL,
    NAME,
    PLACE,
    RADIOLOGY,
    ROLE,
    TITLE,
    context_words,
)

_TITLE_GAP = re.compile(r"[. \t]{1,3}\Z|[.]?[ \t]*[:][ \t]*\Z|\([^\W_]\)[ \t]\Z")
_ROLE_GAP = re.compile(r"(?:[ \t]+|\.?[ \t]*[:,(/-]+[ \t]*|\(?[^\W_]?\)[ \t]*)\Z")
_WORDY_TITLES = context_words("wordy_titles")
_SHORT_CAPS = context_words("short_caps")
_FORWARD_PLACES = context_words("forward_places")
_ANNOUNCING = ROLE | TITLE | LABEL | DEGREE
_PREFIX_LINKS = frozenset(["by", "to", "with", "von", "por", "de", "a", "from", "for", "durch", "cc"])


def _capital(token: Token) -> bool:
    """Capitals that mean something."""
    return token.shape in (CAPITALISED, MIXED) or (token.shape == UPPER and not token.loud)


def _name_like(token: Token, allowed: int, *, strict: bool) -> bool:
    """Whether a token can be part of a name in a place where a name is expected; strict: where it is only likely."""
    if token.shape in (DIGITS, CODE):
        return (
            token.shape == CODE
            and any(c.isalpha() for c in token.text)
            and not token.text[0].isdigit()
            and bool(token.kind)
        )
    if token.kind == "NAME":
        return True
    if token.kind:
        return token.kind == "REDACTED"
    if len(token.text) == 1:
        return token.text.isupper()
    if token.flags & (RADIOLOGY | FUNCTION):
        return token.shape == CAPITALISED and not token.loud and bool(token.flags & NAME)
    if token.flags & _ANNOUNCING:
        return False
    if token.flags & NAME:
        return not strict or token.shape != LOWER
    if token.flags & allowed:
        return token.shape == CAPITALISED and not token.loud
    return True


def _take(tokens: list[Token], place: int, allowed: int, *, several: bool = False, strict: bool = True) -> int:
    """Mark a name that begins at `place`; returns the place after it."""
    taken = 0
    while place < len(tokens) and taken < 5:
        token = tokens[place]
        gap = token.gap
        if taken:
            if "\n" in gap or not re.fullmatch(
                r"[ \t]?\.?[ \t]?|[ \t]*[-'’.][ \t]*|[ \t]*,[ \t]*" if several else r"[ \t]?\.?[ \t]?|[-'’]", gap
            ):
                break
            if gap.startswith(".") and len(tokens[place - 1].text) > 2 and tokens[place - 1].shape != UPPER:
                break
        if (
            token.word in PARTICLES
            and taken < 4
            and place + 1 < len(tokens)
            and _capital(tokens[place + 1])
            and tokens[place + 1].gap == " "
            and (token.shape != LOWER or taken or token.word not in ("of", "e", "y", "a"))
        ):
            token.kind = "NAME"
        elif (
            several
            and token.word in ("and", "und", "y", "&")
            and place + 1 < len(tokens)
            and _name_like(tokens[place + 1], allowed, strict=True)
        ):
            pass
        elif _name_like(token, allowed, strict=strict or taken > 0) and (
            not taken or token.shape != LOWER or (token.kind == "NAME")
        ):
            token.kind = "NAME"
        else:
            break
        taken += 1
        place += 1
    return place


def mark_announced(tokens: list[Token], allowed: int) -> None:
    """Names behind titles, roles and "signed by", and before degrees."""
    for place, token in enumerate(tokens):
        flags = token.flags
        if not flags & _ANNOUNCING or place + 1 > len(tokens):
            continue
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if after is not None and "\n" not in after.gap:
            if (
                flags & TITLE
                and _TITLE_GAP.match(after.gap)
                and not (
                    after.opens
                    and after.gap != ". "
                    and "." not in after.gap
                    and ":" not in after.gap
                    and "(" not in after.gap
                )
            ):
                _behind_title(tokens, place, allowed)
            elif flags & ROLE and _ROLE_GAP.match(after.gap):
                _behind_role(tokens, place + 1, allowed)
            if flags & LABEL:
                _behind_label(tokens, place + 1, allowed)
        if (
            flags & DEGREE
            and place
            and token.shape in (UPPER, CAPITALISED, CODE, MIXED)
            and re.fullmatch(r"[ \t]*[,(]?[ \t]*", token.gap)
        ):
            _before_degree(tokens, place, allowed)


def _behind_title(tokens: list[Token], place: int, allowed: int) -> None:
    title, after = tokens[place], tokens[place + 1]
    if (
        title.word in _SHORT_CAPS
        and title.shape == UPPER
        and "." not in after.gap
        and (after.flags & (RADIOLOGY | FUNCTION) or after.shape == DIGITS or len(after.text) == 1)
    ):
        return
    if after.flags & TITLE or after.word == "med":
        return  # Dr. med. X: the last title speaks
    wordy = title.word in _WORDY_TITLES and title.shape == LOWER and "." not in after.gap
    if wordy and after.shape == LOWER and not after.kind:
        return
    if after.shape == LOWER and after.flags & allowed and not after.flags & NAME:
        return
    _take(tokens, place + 1, allowed, several=title.word == "drs", strict=wordy)


def _behind_role(tokens: list[Token], place: int, allowed: int) -> None:
    while (
        place < len(tokens)
        and tokens[place].flags & _ANNOUNCING
        and not tokens[place].flags & NAME
        and "\n" not in tokens[place].gap
    ):
        place += 1
    if place >= len(tokens) or "\n" in tokens[place].gap:
        return
    first = tokens[place]
    if first.loud and first.flags & allowed and not (first.flags & NAME and not first.flags & (RADIOLOGY | FUNCTION)):
        return
    if first.shape in (CAPITALISED, MIXED, UPPER) and _name_like(first, allowed, strict=True):
        if first.flags & allowed and not first.flags & NAME and ":" in first.gap:
            return  # "Surgeon: None", "Radiologist: Unchanged"
        _take(tokens, place, allowed)


def _behind_label(tokens: list[Token], place: int, allowed: int) -> None:
    """Signed by, dictated by, discussed with: what follows in capitals is a name."""
    if tokens[place].word in _PREFIX_LINKS:
        place += 1
    elif ":" not in tokens[place].gap:
        return
    while (
        place < len(tokens)
        and (
            (tokens[place].flags & _ANNOUNCING and not tokens[place].flags & NAME)
            or tokens[place].word in ("the", "la", "el")
        )
        and "\n" not in tokens[place].gap
    ):
        place += 1
    if place < len(tokens) and "\n" not in tokens[place].gap and tokens[place].shape in (CAPITALISED, MIXED, UPPER):
        if tokens[place].loud and tokens[place].flags & (RADIOLOGY | FUNCTION):
            return
        if tokens[place].flags & allowed and not tokens[place].flags & NAME:
            return
        _take(tokens, place, allowed)


def _before_degree(tokens: list[Token], place: int, allowed: int) -> None:
    if tokens[place].word in ("do", "rt", "sr", "pa", "rn", "fr") and (
        tokens[place].shape != UPPER or tokens[place].loud or "," not in tokens[place].gap
    ):
        return
    back = place - 1
    count = 0
    while back >= 0 and count < 4:
        token = tokens[back]
        if token.flags & _ANNOUNCING and not token.kind:
            break
        if token.flags & (RADIOLOGY | FUNCTION) and not token.kind:
            break
        if (
            not _name_like(token, allowed, strict=True)
            or token.shape == LOWER
            or (token.flags & allowed and not token.flags & NAME and token.opens)
        ):
            break
        token.kind = "NAME"
        count += 1
        if token.opens or not re.fullmatch(r"[ \t]?[.'’-]?[ \t]?", token.gap):
            break
        back -= 1


# Parts of Arabic, Irish and Spanish names that a hyphen or a capital joins to what follows.
_JOINED_PARTICLES = context_words("joined_particles")


def mark_ambiguous(tokens: list[Token], allowed: int, *, prose: bool = True) -> None:
    """Words that are names elsewhere (Stone, Grace, Summers): capitalised inside a sentence, or beside a name."""
    for place, token in enumerate(tokens):
        if (
            token.kind
            or not token.flags & NAME
            or token.flags & (RADIOLOGY | FUNCTION)
            or token.shape in (LOWER, DIGITS, CODE)
        ):
            continue
        if token.flags & _ANNOUNCING and token.flags & allowed:
            continue
        if token.flags & EPONYM and eponym_stays(tokens, place):
            continue
        if not prose or (not token.loud and not token.opens):
            token.kind = "NAME"
    spread(tokens, allowed)


def spread(tokens: list[Token], allowed: int) -> None:
    """Let names grow over their neighbours: initials, particles, capitalised words."""
    waiting = [place for place, token in enumerate(tokens) if token.kind == "NAME"]
    while waiting:
        place = waiting.pop()
        for other in (place - 1, place + 1):
            if 0 <= other < len(tokens) and not tokens[other].kind and _beside_name(tokens, other, allowed):
                tokens[other].kind = "NAME"
                waiting.extend((other, place))


def _beside_name(tokens: list[Token], place: int, allowed: int) -> bool:
    token = tokens[place]
    if token.shape in (LOWER, DIGITS, CODE) and token.word not in PARTICLES:
        return False
    before = tokens[place - 1] if place and "\n" not in token.gap else None
    after = tokens[place + 1] if place + 1 < len(tokens) and "\n" not in tokens[place + 1].gap else None
    near_before = before is not None and before.kind == "NAME" and bool(re.fullmatch(r"\.?[ \t]|[-^'’]|, ?", token.gap))
    near_after = after is not None and after.kind == "NAME" and bool(re.fullmatch(r"\.?[ \t]?|[-^'’]|, ?", after.gap))
    # Behind a whole word a full stop ends the sentence; only initials and abbreviations go on.
    if near_before and before is not None and "." in token.gap and len(before.text) > 3:
        near_before = False
    if near_after and after is not None and "." in after.gap and len(token.text) > 3:
        near_after = False
    if not near_before and not near_after:
        return False
    if len(token.text) == 1:
        if after is not None and after.word in ("ray", "rays") and after.gap in ("-", " "):
            return False  # [NAME] X-ray
        joined = (near_before and token.gap != ", ") or (near_after and after is not None and after.gap != ", ")
        return (
            token.shape == CAPITALISED
            and joined
            and not (token.word in "ai" and not (after is not None and after.gap.startswith(".")) and not near_before)
        )
    if token.word in _JOINED_PARTICLES and near_after and after is not None and after.gap in ("-", "'", "’", " ", "-"):
        return after.gap != " " or token.shape != LOWER or near_before
    hyphened = (near_before and token.gap == "-") or (near_after and after is not None and after.gap == "-")
    if hyphened and token.shape in (CAPITALISED, UPPER) and token.word not in ("ray", "rays", "type", "like"):
        return True
    if token.word in PARTICLES:
        return (
            near_after
            and (near_before or token.shape != LOWER)
            and token.word not in ("of", "a", "e", "y", "la", "le", "el")
        ) or (near_after and near_before)
    if token.flags & (RADIOLOGY | FUNCTION | _ANNOUNCING):
        return False
    if token.flags & NAME:
        return True
    if token.shape != CAPITALISED or token.opens or token.loud or not token.flags & allowed:
        return False
    return (near_before and "," not in token.gap) or (near_after and after is not None and "," not in after.gap)


def mark_nicknames(tokens: list[Token]) -> None:
    """What people are called beside their name: Nabil (Bill), (goes by "Mila"), Robert "Bob" Smith."""
    for place, token in enumerate(tokens):
        before = tokens[place - 1] if place else None
        after = tokens[place + 1] if place + 1 < len(tokens) else None
        if before is None or token.kind or token.shape != CAPITALISED or len(token.text) < 3:
            continue
        called = before.kind == "NAME" and re.fullmatch(r" ?[(\"“'‘]{1,2}", token.gap) is not None
        closed = after is None or re.match(r"[)\"”'’]", after.gap) is not None
        if called and closed and not token.flags & (RADIOLOGY | FUNCTION | ROLE | TITLE | DEGREE):
            token.kind = "NAME"


def mark_institutions(tokens: list[Token], allowed: int) -> None:
    """Capitalised words that end or begin with Hospital, Clinic, Klinikum ... where one of them is not generic."""
    for place, token in enumerate(tokens):
        if (  # noqa: SIM102
            not token.flags & PLACE
            or token.shape == LOWER
            or token.word in ("st", "care", "home", "group", "surgery", "practice")
        ):
            if not (token.word in ("surgery", "practice") and token.shape == CAPITALISED and not token.opens):
                continue
        span = [place]
        back = place
        while (
            back > 0
            and re.fullmatch(r"[ \t]|['’]|\.[ \t]|-|[ \t]&[ \t]", tokens[back].gap)
            and _place_part(tokens[back - 1], allowed)
        ):
            back -= 1
            span.append(back)
            if tokens[back].opens and tokens[back].word != "st":
                break
        if token.word in _FORWARD_PLACES and not token.loud:
            ahead = place + 1
            while ahead < len(tokens) and tokens[ahead].gap in (" ", ". ", "-", ", ") and ahead - place < 6:
                part = tokens[ahead]
                if part.word in PARTICLES and ahead + 1 < len(tokens) and tokens[ahead + 1].shape != LOWER:
                    span.append(ahead)
                elif tokens[ahead].gap == ", " and not part.kind:
                    break
                elif (
                    part.shape in (CAPITALISED, MIXED)
                    and not part.flags & RADIOLOGY
                    and _place_part(part, allowed)
                    and not (part.opens and tokens[ahead].gap != ". ")
                ):
                    span.append(ahead)
                else:
                    break
                ahead += 1
        telling = [
            i
            for i in span
            if not tokens[i].flags & (GENERIC | RADIOLOGY)
            and tokens[i].word not in PARTICLES
            and (tokens[i].flags & NAME or tokens[i].kind or not tokens[i].flags & PLACE)
        ]
        if telling:
            for i in span:
                if not tokens[i].kind or tokens[i].kind in ("NAME", "REDACTED"):
                    tokens[i].kind = "PLACE"


def _place_part(token: Token, allowed: int) -> bool:
    if token.shape in (LOWER, DIGITS, CODE):
        return token.shape == LOWER and token.text == "s"
    if token.flags & GENERIC or token.kind in ("NAME", "REDACTED"):
        return True
    if token.flags & RADIOLOGY and token.shape == CAPITALISED and not token.loud and not token.opens:
        return True  # Bramwell Chest Clinic
    if token.flags & (RADIOLOGY | FUNCTION | TITLE | ROLE | LABEL):
        return token.word == "st"
    return not token.loud or bool(token.flags & NAME) or not token.flags & allowed
