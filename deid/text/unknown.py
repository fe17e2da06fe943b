"""Words that no list knows: whether they read as words of the language or could be somebody's name, told by their ending, their
capitals and what stands around them. Only for prose; short descriptors have no sentence to judge by and stay fail-closed."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from deid.text.spelling import one_apart
from deid.text.tokens import CAPITALISED, DIGITS, LOWER, MIXED, UPPER, Token
from deid.text.vocabulary import (
    DEGREE,
    FUNCTION,
    LABEL,
    NAME,
    RADIOLOGY,
    ROLE,
    TITLE,
    common_flag,
    context_words,
    plain_flag,
    radiology_words,
)

# Endings of learned words. A word of nine letters and more that ends so is nobody's name.
_LEARNED = re.compile(
    r".{4,}(?:ations?|itions?|utions?|ctions?|ptions?|sions?|ousness|iveness|fulness|lessness|ically|ously|ively|ately|ently|antly|ably|ibly|ating|izing|ising|ifying|ified|ated|ized|ised|itory|atory|able|ible"
    r"|aneous|ious|itive|ative|ctive|ical|ional|ility|ivity|osity|icity|ology|ologist|ological|ographic|ometric|oscope|escent|escence|graphy|otomies|ectomies|ibility|ability|iform|aceous|ments?|ness|less|(?<!m)ed|ingly|edly|ously|[aeiou][a-z]+ly|isms?|ances?|ences?|aries|ories)\Z"
)
# Of these the ones that end no surname, for words with a capital or in a line of capitals.
_LEARNED_NO_NAME = re.compile(
    r".{3,}(?:ations?|itions?|utions?|ctions?|ptions?|ssions?|usions?|isions?|ically|ously|ively|ately|izing|ising|ifying|ified|ized|ised|atory|aneous|itive|ative|ological|ographic|graphy|ography"
    r"|oscopy|ectomy|ostomy|otomy|plasty|ectasis|osis|itis|pathy|emia|aemia|iform|osity|icity|ility|ibility|ability|lucen(?:t|cy|cies)|opaque|escence|genic|trophic|plastic|lytic|sclerotic)\Z"
)
_LEARNED_GERMAN = re.compile(
    r".{3,}(?:(?:lich|isch|haft|bar|sam|los|iert|igt|mäßig|massig|artig|förmig|formig|seitig|gradig|fristig|malig)(?:e[nmrs]?)?|(?:end|ig)e[nmrs]?"
    r"|ierte[nmrs]?|ieren|weise|wärts|warts)\Z"
)
_GERMAN_NOUN = re.compile(
    r".{4,}(?:(?:heit|keit|tion|ität|itat|schaft|ismus|ektomie|graphie|grafie|skopie|logie|plastik|metrie|therapie|(?<![hr]art)(?<!jo)(?<!t)ung)(?:en|s)?|itis|itiden|ose[n]?|ismen|tionen)\Z"
)
_LEARNED_SPANISH = re.compile(
    r".{3,}(?:mente|ci[oó]n(?:es)?|si[oó]n(?:es)?|dad(?:es)?|[aei]v[oa]s?|os[oa]s?|ic[oa]s?|ales|ables?|ibles?|[ai]d[oa]s?|[ae]ntes?|ari[oa]s?|ori[oa]s?|mientos?"
    r"|ando|iendo|aron|ieron|[ae]nci?as?|log[ií]as?|graf[ií]as?|scopias?|tom[ií]as?|áneos?|[aá]ne[oa]s?|iv[oa]mente)\Z"
)
_SPANISH_NO_NAME = re.compile(
    r".{3,}(?:mente|ci[oó]n(?:es)?|si[oó]n(?:es)?|idad(?:es)?|mientos?|log[ií]as?|graf[ií]as?|scopias?|tom[ií]as?|patias?|itis|osis|emia|ectasias?|megalia)\Z"
)

_DETERMINERS = context_words("determiners")
_CONTRACTED = context_words("contracted")
# Endings of German surnames and places: an unknown word that ends so is not kept for its article.
_GERMAN_PLACE = re.compile(
    r".*(?:hof|heim|burg|stift|klinik|klinikum|spital|krankenhaus|dorf|stadt|hausen|mann|berg|bach|feld|felde|stein|wald|thal|tal|au|brunn|kirchen|ingen|hagen|see|furt|ow|er|ski|sky|wicz|ic|oglu|sen)\Z"
)
_GERMAN_ABSTRACT = re.compile(
    r".{4,}(?:ung|ungen|heit|keit|ion|ionen|tät|tat|nis|nisse|tum|schaft|ment|mus|ose|itis|ie|ien|ik|iken|en|ens|ge|de|nahme|lage)\Z"
)

_CUES = context_words("cues")
_LINKS = context_words("links")
_SPEAKING = context_words("speaking")
_LINE_END = re.compile(r"[ \t]*[.)\]]?[ \t]*(?:\n|\Z)")


def writes_capitals(tokens: list[Token]) -> bool:
    """Whether the text begins its sentences with capitals, so that a small letter says something about a word."""
    capital = small = 0
    for token in tokens:
        if token.opens and len(token.text) > 1:
            capital += token.shape in (CAPITALISED, MIXED)
            small += token.shape == LOWER
    return capital >= max(1, small)


def reads_as_word(tokens: list[Token], place: int, text: str, allowed: int, *, cased: bool) -> bool:
    """Whether the unknown word at `place` is kept. `allowed` tells the text's languages, `cased` is `writes_capitals`."""
    token = tokens[place]
    word = token.word
    if token.flags & NAME or len(word) < 2:
        return False
    german, spanish = bool(allowed & plain_flag("de")), bool(allowed & plain_flag("es"))
    if german and spanish:  # no language was told
        german = spanish = False
    cue = _name_cue(tokens, place, text)
    if token.shape == LOWER and cased:
        if len(word) >= 8 and _learned(word, german, spanish):
            return True
        if cue:
            return False
        return len(word) >= 4 or _amid_words(tokens, place, allowed)
    if cue:
        return False
    if token.shape == LOWER:  # a text without capitals
        return (len(word) >= 9 and _learned(word, german, spanish)) or misspelt_term(word)
    if token.shape == UPPER and not token.loud:
        return False
    if token.shape == CAPITALISED and german:
        return _german_noun(tokens, place, allowed)
    if token.shape == UPPER or token.opens or token.loud:
        if spanish and _SPANISH_NO_NAME.match(word):
            return True
        if german and len(word) >= 8 and (_GERMAN_NOUN.match(word) or (token.loud and _LEARNED_GERMAN.match(word))):
            return True
        return (len(word) >= 8 and bool(_LEARNED_NO_NAME.match(word))) or (token.loud and misspelt_term(word))
    return False


_SHORTEST_TERM = 6


@cache
def _terms_by_shape() -> dict[str, tuple[str, ...]]:
    """Terms of radiology under each spelling that lacks one letter: a word with one slip shares one of these with its term."""
    found: dict[str, list[str]] = {}
    for term in radiology_words():
        if len(term) >= _SHORTEST_TERM and term.isalpha():
            for shape in {term, *(term[:at] + term[at + 1 :] for at in range(1, len(term)))}:
                found.setdefault(shape, []).append(term)
    return {shape: tuple(terms) for shape, terms in found.items()}


@lru_cache(maxsize=16384)
def misspelt_term(word: str) -> bool:
    """Whether a word is a term of radiology with one slip in it, its first letter right (pnuemonia, emphesema, frature)."""
    if len(word) < _SHORTEST_TERM or not word.isalpha():
        return False
    shapes = _terms_by_shape()
    tried = {word, *(word[:at] + word[at + 1 :] for at in range(1, len(word)))}
    return any(term[0] == word[0] and one_apart(word, term) for shape in tried for term in shapes.get(shape, ()))


def learned_word(token: Token, allowed: int) -> bool:
    """Whether an unknown word in small letters has the ending of a learned word, or in German one that makes a noun."""
    word = token.word
    if token.flags or len(word) < 7:
        return False
    german, spanish = bool(allowed & plain_flag("de")), bool(allowed & plain_flag("es"))
    if token.shape == LOWER:
        return (len(word) >= 8 and bool(_LEARNED.match(word))) or _learned_elsewhere(word, german, spanish)
    return german and token.shape == CAPITALISED and len(word) >= 9 and bool(_GERMAN_NOUN.match(word))


def stands_as_word(tokens: list[Token], place: int, allowed: int) -> bool:
    """Whether a word of the wide vocabulary stands as words do: small, at the beginning of a sentence, in a line of capitals; in
    German with a capital too, behind an article or an adjective."""
    token = tokens[place]
    if token.shape == LOWER or token.opens or token.loud:
        return True
    if token.shape != CAPITALISED or not token.flags & allowed & common_flag("de"):
        return False
    if token.flags & NAME:
        return False
    # German writes its nouns so; only behind a title, a role or a name is one taken for somebody's.
    return _behind_article(tokens, place, allowed) or not _name_cue(tokens, place, "")


_CLOSE_TITLES = frozenset(["dr", "mr", "mrs", "ms", "miss", "prof", "herr", "herrn", "frau", "sra", "drs", "mx"])


def mark_cued(tokens: list[Token], text: str) -> None:
    """Words that may be names, in small letters or in a line of capitals, where something announces a name: pt grace, DR CHASE,
    seen by stone, m. black."""
    for place, token in enumerate(tokens):
        plain = token.shape == LOWER or (token.shape == UPPER and token.loud)
        if token.kind or not plain or len(token.word) < 3 or token.flags & (RADIOLOGY | FUNCTION):
            continue
        before = tokens[place - 1] if place else None
        if before is None or "\n" in token.gap:
            continue
        if token.flags & NAME:
            initial = len(before.text) == 1 and before.text.isalpha() and token.gap in (". ", ".")
            infinitive = before.word == "to" and token.flags & plain_flag("en")
            if initial or (not infinitive and _name_cue(tokens, place, text)):
                token.kind = "NAME"
                if initial:
                    before.kind = before.kind or "NAME"
        elif (
            before.word in _CLOSE_TITLES
            and token.gap in (" ", ". ")
            and not token.flags & (LABEL | ROLE | TITLE)
            and not (before.word in ("ms", "mr", "dr") and before.shape == UPPER and not before.loud)
            and not re.search(r"(?:ed|ing|ly|able)\Z", token.word)
        ):
            token.kind = "NAME"


def _learned(word: str, german: bool, spanish: bool) -> bool:
    return bool(_LEARNED.match(word)) or _learned_elsewhere(word, german, spanish)


def _learned_elsewhere(word: str, german: bool, spanish: bool) -> bool:
    return bool((german and _LEARNED_GERMAN.match(word)) or (spanish and _LEARNED_SPANISH.match(word)))


def _german_noun(tokens: list[Token], place: int, allowed: int) -> bool:
    """A capitalised German word that nobody is called by: a noun by its ending, or behind an article or adjective."""
    word = tokens[place].word
    if len(word) >= 8 and _GERMAN_NOUN.match(word):
        return True
    if tokens[place].opens and not tokens[place].loud:
        return False
    return len(word) >= 4 and _behind_article(tokens, place, allowed)


def _behind_article(tokens: list[Token], place: int, allowed: int) -> bool:
    token = tokens[place]
    before = tokens[place - 1] if place else None
    if before is None or token.gap != " " or before.kind or before.shape != LOWER:
        return False
    earlier = tokens[place - 2] if place > 1 else None
    if earlier is not None and earlier.word in ("von", "van", "zu", "y", "de"):
        return False
    if before.word in _DETERMINERS:
        return not _GERMAN_PLACE.match(token.word) or bool(token.flags & allowed)
    if before.word in _CONTRACTED:
        return bool(_GERMAN_ABSTRACT.match(token.word)) and not _GERMAN_PLACE.match(token.word)
    adjective = re.search(r"(?:e|en|er|es|em)\Z", before.text) is not None and not before.flags & (
        FUNCTION | TITLE | ROLE | LABEL
    )
    known = before.flags & allowed or _LEARNED_GERMAN.match(before.word)
    return bool(adjective and known and not _GERMAN_PLACE.match(token.word))


def _amid_words(tokens: list[Token], place: int, allowed: int) -> bool:
    """A short word in lower case (bx, tx) stays only between two known words: elsewhere it is somebody's initials."""
    if place == 0 or place + 1 >= len(tokens):
        return False
    before, after = tokens[place - 1], tokens[place + 1]
    plain = tokens[place].gap == " " and after.gap in (" ", ", ", ". ")
    return bool(plain and before.flags & allowed and after.flags & allowed and not before.kind and not after.kind)


def _name_cue(tokens: list[Token], place: int, text: str) -> bool:
    """Whether something around a word announces a name: a title, a role, "signed by", "pt", another name, the end of a signature."""
    token = tokens[place]
    before = tokens[place - 1] if place and "\n" not in token.gap else None
    after = tokens[place + 1] if place + 1 < len(tokens) and "\n" not in tokens[place + 1].gap else None
    if before is not None and not (token.gap.startswith(".") and len(before.text) > 4):
        if before.flags & (TITLE | ROLE) or before.word in _CUES:
            return True
        if before.kind == "NAME" and re.fullmatch(r"\.?[ \t]?|[-'’]|, ?", token.gap):
            return True
        if before.word in _LINKS and place > 1:
            earlier = tokens[max(0, place - 4) : place - 1]
            if any(other.flags & (LABEL | ROLE) or other.word in _SPEAKING or other.word in _CUES for other in earlier):
                return True
        if before.flags & LABEL and ":" in token.gap:
            return True
        if token.gap in ("/", "_", "\\", "@", "^", "-/"):
            return before.shape >= DIGITS or bool(before.kind) or len(before.text) <= 3
    if after is not None:
        if after.flags & DEGREE and re.fullmatch(r"[ \t]?[,(][ \t]?", after.gap) and after.shape != LOWER:
            return True
        if after.kind == "NAME" and after.shape != LOWER and re.fullmatch(r"\.?[ \t]|[-'’]|, ?", after.gap):
            return True
        if after.gap in ("_", "\\", "@", "^") or (
            after.gap in ("/", "-") and after.shape == DIGITS and len(after.text) > 2
        ):
            return True
    return _signs(tokens, place, text)


def _signs(tokens: list[Token], place: int, text: str) -> bool:
    """The last word of a line that holds a date, a time or a number removed, or nothing known at all: a signature."""
    token = tokens[place]
    if not _LINE_END.match(text, token.end):
        return False
    first = place
    while first > 0 and "\n" not in tokens[first].gap and place - first < 7:
        first -= 1
    line = tokens[first:place]
    if len(line) >= 7:
        return False
    if any(other.kind in ("DATE", "TIME", "NUMBER") for other in line[-3:]):
        return True
    return not any(other.flags & (RADIOLOGY | FUNCTION) for other in line) and token.shape != LOWER
