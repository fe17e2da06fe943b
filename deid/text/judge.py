"""The fail-closed half: which words, codes and numbers are known to be harmless by themselves."""

from __future__ import annotations

import re

from deid.text.tokens import CAPITALISED, CODE, DIGITS, LOWER, UPPER, Token
from deid.text.unknown import learned_word, reads_as_word, stands_as_word, writes_capitals
from deid.text.vocabulary import (
    AMBIGUOUS,
    CUE,
    EPONYM,
    NAME,
    RADIOLOGY,
    TITLE,
    WIDE,
    common_flag,
    languages,
    plain_flag,
)

_UNIT = r"(?:kvp?|mas?|mm|cm|ms|m|x|x\d{1,4}|inch|in|um|bit|s|sec|yr|yrs|yo|y|vw|vws|v|view|views|hz|mhz|cc|ml|l|g|mg|mcg|kg|lb|f|fr|c|d|w|h|hr|hrs|wk|wks|mo|mos|min|gy|mgy|hu|pct|px|mp|french|cmh2o|mmhg|lpm|bpm|oz|th|st|nd|rd|er|am|pm)"  # noqa: E501
_MEASURE = re.compile(rf"\d{{1,4}}{_UNIT}\Z", re.IGNORECASE)
_CODE = re.compile(
    r"(?:[tcls]\d{1,2}(?:[tcls]\d{1,2})?|bwk\d{1,2}|[bhl]w[sk]\d{1,2}|th\d{1,2}|p\d|ct\d|[1-4]d|\d{1,3}[mf]|[mf]\d{1,3}|\d{1,2}s|v[1-6]r?|q\d{1,2}h?|x\d{1,2}|\d{1,2}x|g\d{1,2}p\d{1,2}(?:[a-z]\d?){0,2}|a1c|hba1c|h1n1|h5n1|b12|d[35]|ef\d{2}|"
    r"[spf]{1,2}[aiv]?o2|h2o|etco2|pco2|po2|co2|o2|n2o|n95|cd[48]|il\d|t[1-4][abc]?(?:n[0-3x])?(?:m[01x])?|n[0-3][abc]?|m[01][abc]?|s1q3t3|s[1-4]|i{1,3}[ab]|cov2|covid19|ca19|ca125|co19|sars2|k\d\d?|"
    r"\d{1,2}(?:st|nd|rd|th)|[lr]\d{1,2}|rul\d|f\d{1,2}|\d{1,3}f|\d{1,2}g|\d{1,3}l|mp\d|h\d|stage\d|grade\d|cat\d|tiff?\d?|jpeg2000|jp2|mpeg2|musica\d|bi?rads\d|lungrads\d[abx]?|ilo\d|p[123]|icd10|icd9|\dvw?s?|\d{1,2}v)\Z",
    re.IGNORECASE,
)
_ICD = re.compile(r"[A-TV-Z]\d{2}\Z")
_AFTER_LONG = re.compile(
    r"\s?(?:m[lL]|cc|ccs|grams?|g|gm|mg|mcg|kg|HU|pixels?|px|mGy|uGy|µGy|ms|msec|units?|cells|feet|ft|meters|mm|x|×|hPa|ng|pg|lb|lbs|K)\b"
)
_CPT_BEFORE = re.compile(r"\b(?:cpt|hcpcs|snomed|radlex|loinc|icd)[\s:-]*(?:code|no)?[\s:-]*\Z", re.IGNORECASE)
_NUMBER_LABELS = frozenset(
    [
        "ei",
        "di",
        "s",
        "exi",
        "rex",
        "dei",
        "sensitivity",
        "index",
        "exposure",
        "dose",
        "dap",
        "sid",
        "iso",
        "speed",
        "lgm",
    ]
)


def allowed_flags(language: str | None, *, wide: bool = False) -> int:
    """Vocabulary that may stay: radiology of every language, plain words of English and of the text's own language (of all when None).
    wide: the wide vocabulary too, for prose."""  # noqa: E501
    flags = RADIOLOGY
    for name in languages() if language is None else {"en", language}:
        flags |= plain_flag(name) | (common_flag(name) if wide else 0)
    return flags


def harmless_code(token: str) -> bool:
    """Whether letters mixed with digits are a term of medicine (T4, SpO2, 2VW, 62F, 14x17) and no identifier."""
    return bool(_MEASURE.match(token) or _CODE.match(token))


def judge_words(tokens: list[Token], text: str, allowed: int, *, prose: bool = False) -> None:
    """Give every token that no list knows a kind: NAME where a name is likely, NUMBER for digits, REDACTED otherwise.
    Tokens with a kind are left alone; words that may be names are left to `names`. prose: sentences, in which an unknown word is
    judged by its surroundings too."""
    cased = writes_capitals(tokens)
    for place, token in enumerate(tokens):
        if token.kind:
            continue
        if token.shape == DIGITS:
            if not harmless_number(tokens, place, text):
                token.kind = "NUMBER"
        elif token.shape == CODE:
            if not harmless_code(token.text) and not _icd(tokens, place) and not _split_known(token, allowed):
                token.kind = "NUMBER" if any(c.isdigit() for c in token.text) else "REDACTED"
        elif (
            (len(token.word) == 1 and token.word.isascii())
            or _known(tokens, place, allowed)
            or (token.flags & EPONYM and eponym_stays(tokens, place))
            or _announces(token)
            or _split_known(token, allowed)
            or (cased and learned_word(token, allowed))
            or (prose and reads_as_word(tokens, place, text, allowed, cased=cased))
        ):
            continue
        else:
            token.kind = "NAME" if token.flags & NAME or token.shape in (CAPITALISED, UPPER) else "REDACTED"


def _known(tokens: list[Token], place: int, allowed: int) -> bool:
    """Whether a list of an allowed language has the word; one of the wide vocabulary only where it stands as a word."""
    flags = tokens[place].flags & allowed
    return bool(flags and (flags & ~WIDE or stands_as_word(tokens, place, allowed)))


_LINK = re.compile(r"[-/._#]\Z")


def mark_linked(tokens: list[Token]) -> None:
    """Parts of one code (E-20417, WC/19/4417): where one is a number that goes, its companions go with it, but for real words."""
    waiting = [place for place, token in enumerate(tokens) if token.kind == "NUMBER"]
    while waiting:
        place = waiting.pop()
        for other, later in ((place - 1, place), (place + 1, place + 1)):
            if not 0 <= other < len(tokens) or tokens[other].kind:
                continue
            token, gap = tokens[other], tokens[later].gap
            code = (
                token.shape in (DIGITS, CODE)
                or len(token.text) <= 2
                or (not token.flags & RADIOLOGY and token.shape != LOWER)
            )
            beside = (
                gap == " " and token.shape == DIGITS and tokens[place].shape == DIGITS and len(tokens[place].text) >= 6
            )
            if beside or (code and _LINK.match(gap)):
                token.kind = "NUMBER"
                waiting.append(other)


def _announces(token: Token) -> bool:
    """Titles, roles and words of institutions stay: they name nobody."""
    return bool(token.flags & ~(NAME | AMBIGUOUS | EPONYM | CUE) & 0xFFFF) and not token.flags & NAME


def _icd(tokens: list[Token], place: int) -> bool:
    """J18.9 and the like: a letter, two digits, a dot and a digit."""
    if not _ICD.match(tokens[place].text) or place + 1 >= len(tokens):
        return False
    after = tokens[place + 1]
    return after.gap == "." and after.shape == DIGITS and len(after.text) <= 2


def harmless_number(tokens: list[Token], place: int, text: str) -> bool:
    """Numbers up to three digits, and longer ones with a unit or behind a code's name."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    if len(token.text) <= 3:
        # K-771 is a label, 88.431 a registration written with its thousands apart.
        lettered = before is not None and token.gap == "-" and len(before.text) == 1 and before.text.isupper()
        thousands = before is not None and token.gap == "." and before.shape == DIGITS and len(before.text) in (2, 3)
        return not (len(token.text) == 3 and (lettered or (thousands and not _AFTER_LONG.match(text, token.end))))
    if before is not None and before.word in _NUMBER_LABELS and len(token.text) <= 4:
        return True
    if before is not None and before.shape == DIGITS and token.gap in (".", ",") and len(before.text) <= 3:
        return len(token.text) <= 4 and bool(_AFTER_LONG.match(text, token.end))
    if len(token.text) == 4 and _AFTER_LONG.match(text, token.end):
        return True
    return len(token.text) <= 9 and bool(_CPT_BEFORE.search(text[max(0, token.start - 24) : token.start]))


_CAMEL = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-zà-ÿ]+|\d+")


def _split_known(token: Token, allowed: int) -> bool:
    """Words written together, ThoraxAP or CHEST2VIEWS: all of their parts are radiology words or short numbers."""
    from deid.text.vocabulary import in_list

    parts = _CAMEL.findall(token.text)
    if len(parts) < 2 or "".join(parts) != token.text or not any(len(part) >= 3 and part.isalpha() for part in parts):
        return False
    return all(
        (part.isdigit() and len(part) <= 3) or (in_list(part, RADIOLOGY) and not part.isdigit()) for part in parts
    )


def eponym_stays(tokens: list[Token], place: int) -> bool:
    """Whether a name is radiology's own here: Kerley B, Swan-Ganz, Hodgkin's disease, Hickman catheter."""
    token = tokens[place]
    before = tokens[place - 1] if place else None
    if before is not None and (before.kind == "NAME" or (before.flags & TITLE and token.gap.strip(".") in ("", " "))):
        return False
    if before is not None and place > 1 and before.word in ("de", "del", "of") and tokens[place - 2].flags & CUE:
        return True  # complejo de Ranke, hernia of Morgagni
    follow = tokens[place + 1 : place + 4]
    if not follow:
        return bool(before is not None and before.flags & EPONYM and token.gap == "-")
    after = follow[0]
    if after.flags & EPONYM and after.gap in ("-", "–") and place + 1 < len(tokens):
        return True
    if before is not None and before.flags & EPONYM and token.gap in ("-", "–"):
        return True
    possessive = after.word == "s" and after.gap in ("'", "’")
    if possessive:
        return bool(not token.flags & NAME or (len(follow) > 1 and follow[1].flags & CUE and follow[1].gap == " "))
    if after.gap not in (" ", "-"):
        return False
    if after.flags & CUE:
        return len(after.text) > 1 or after.text.isupper()
    return bool(after.flags & EPONYM and len(follow) > 1 and follow[1].flags & CUE)
