"""The word lists, as data: one folder a language under `profile/words` (a new folder is a new language), names apart.

A word's class is a sum of the flags below. Lists hold whole words; inflections are made by `deid.text.inflect`. `plain.txt` holds
words that may stay however they are written, `common.txt` the wide vocabulary: words that may stay where they stand as words.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from deid.text.inflect import inflect
from deid.text.spelling import fold

__all__ = ["classify", "code_words", "device_words", "fold", "in_list", "languages", "plain_flag", "radiology_words"]

RADIOLOGY, NAME, FUNCTION, AMBIGUOUS, EPONYM, CUE = 1, 2, 4, 8, 16, 32
TITLE, ROLE, DEGREE, LABEL, PLACE, STREET, GENERIC = 64, 128, 256, 512, 1024, 2048, 4096
_SECTIONS = {
    "titles": TITLE,
    "roles": ROLE,
    "degrees": DEGREE,
    "labels": LABEL,
    "places": PLACE,
    "streets": STREET,
    "generic": GENERIC,
    "eponyms": EPONYM,
    "cues": CUE,
    "function": FUNCTION,
}
_FIRST_LANGUAGE_FLAG = 1 << 16
#: Every flag of a wide vocabulary.
WIDE = 0b111111 << 22
_ANNOUNCING = TITLE | ROLE | DEGREE | LABEL | PLACE | STREET | GENERIC

_PREFIXES = re.compile(
    r"(?:peri|retro|sub|supra|infra|inter|intra|para|pre|post|non|un|re|over|under|anti|hyper|hypo|micro|macro|multi|bi|uni|trans|extra|pan|mid|"
    r"poly|semi|ultra|broncho|pneumo|cardio|hemo|haemo|hydro|pleuro|costo|sterno|thoraco|cervico|fibro|reticulo|cranio|antero|postero|latero|medio|supero|infero|dorso|ventro)"
)
_MEDICAL_ENDS = re.compile(
    r".{4,}(?:itis|osis|ectomy|ostomy|otomy|oscopy|ography|oplasty|pathy|megaly|centesis|algia|uria|pnea|pnoea|penia|iasis|aemia|emia|ectasis|plegia|paresis|oscopic|ographic|otic|itic|genic|"
    r"cillin|mycin|floxacin|azole|statin|prazole|sartan|parin|olol)\Z"
)
_GERMAN_JOINTS = ("", "s", "n", "en", "es", "e")


def _folder() -> Traversable:
    return files("deid.profile").joinpath("words")


def _sections(path: Traversable) -> dict[str, list[str]]:
    """Entries of a list by section; those before the first section under ""."""
    sections: dict[str, list[str]] = {"": []}
    current = ""
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.strip()
        if line.startswith("#"):
            continue
        if line.startswith("[") and line.endswith("]"):
            current = line[1:-1]
            sections.setdefault(current, [])
            continue
        sections[current].extend(line.split())
    return sections


def _forms(entry: str) -> set[str]:
    """An entry folded, whole and in its parts."""
    word = fold(entry).replace("’", "'")
    return {word} | {part for part in re.split(r"[-/']", word) if len(part) > 1 or part == word}


@cache
def languages() -> tuple[str, ...]:
    """Languages with a list of plain words."""
    return tuple(sorted(f.name for f in _folder().iterdir() if f.is_dir() and f.joinpath("plain.txt").is_file()))


def plain_flag(language: str) -> int:
    """The flag of that language's plain words. Raises ValueError when the language has no list."""
    if language not in languages():
        raise ValueError(
            f"No word list for the language {language!r}. Give one of {', '.join(languages())}, or None to have it guessed."
        )
    return _FIRST_LANGUAGE_FLAG << languages().index(language)


def common_flag(language: str) -> int:
    """The flag of that language's wide vocabulary. Raises ValueError when the language has no list."""
    return plain_flag(language) << 6


@cache
def _table() -> dict[str, int]:
    """Folded word -> flags."""
    table: dict[str, int] = {}

    def add(words: set[str], flag: int) -> None:
        for word in words:
            table[word] = table.get(word, 0) | flag

    names: set[str] = set()
    listed: set[str] = set()
    for folder in sorted((f for f in _folder().iterdir() if f.is_dir()), key=lambda f: f.name):
        for path in folder.iterdir():
            for section, entries in _sections(path).items():
                words = {form for entry in entries for form in _forms(entry)}
                if folder.name == "names":
                    (listed if path.name == "ambiguous.txt" else names).update(words)
                elif path.name == "radiology.txt":
                    add(words, RADIOLOGY)
                elif path.name in ("plain.txt", "common.txt"):
                    flag = plain_flag(folder.name) if path.name == "plain.txt" else common_flag(folder.name)
                    words = {form for word in words for form in inflect(folder.name, word, section)}
                    add(words, flag | (FUNCTION if section == "function" else 0))
                elif section in _SECTIONS:
                    add(words, _SECTIONS[section])
    add(names | listed, NAME)
    for word in names | listed:
        if table[word] & (RADIOLOGY | _every_language() | EPONYM | CUE):
            table[word] |= AMBIGUOUS
    return table


@cache
def _every_language() -> int:
    """The flags of all languages' plain and wide vocabularies."""
    return sum(plain_flag(language) | common_flag(language) for language in languages())


@lru_cache(maxsize=65536)
def classify(word: str) -> int:
    """Flags of a folded word. Words made of a known word and a prefix, medical endings and German compounds count as
    radiology; 0 for a word that nothing knows."""
    table = _table()
    flags = table.get(word, 0)
    if flags or len(word) < 6 or not word.isalpha():
        return flags
    every = _every_language()
    prefix = _PREFIXES.match(word)
    if prefix and len(word) - prefix.end() >= 4:
        rest = table.get(word[prefix.end() :], 0)
        if rest & (RADIOLOGY | every) and not rest & NAME:
            return RADIOLOGY
    if word.isascii() and len(word) >= 8 and _MEDICAL_ENDS.match(word):
        return RADIOLOGY
    if len(word) >= 9 and (_compound(word) or _compound_of_two(word)):
        return RADIOLOGY
    return _inflected(word)


@cache
def _words_of(language: str) -> frozenset[str]:
    """Words of a language's own lists that are nobody's name."""
    table = _table()
    found = {
        form
        for name in ("radiology.txt", "plain.txt")
        for entries in _sections(_folder().joinpath(f"{language}/{name}")).values()
        for entry in entries
        for form in _forms(entry)
    }
    return frozenset(word for word in found if len(word) >= 5 and not table.get(word, 0) & NAME)


def _inflected(word: str) -> int:
    """Flags of the listed German or Spanish word of which this is the ending's work (pneumonisch, pneumonischem; opresivo,
    opresivas); 0 where there is none."""
    table = _table()
    for language, ending in (("de", _GERMAN_ENDING), ("es", _SPANISH_ENDING)):
        match = ending.search(word)
        if match is None:
            continue
        stem = word[: match.start()]
        for known in (stem, stem + "e") if language == "de" else (stem, stem + "o", stem + "a", stem + "e"):
            if known in _words_of(language):
                return table[known] & ~(FUNCTION | _ANNOUNCING)
    return 0


_GERMAN_ENDING = re.compile(r"(?:e[nmrs]?|n|s)\Z")
_SPANISH_ENDING = re.compile(r"(?:[oa]s?|e?s)\Z")
# Parts of which surnames are made stand in no compound that only one medical word supports.
_SURNAME_PARTS = frozenset(
    ["mann", "haus", "berg", "stein", "bach", "wald", "feld", "dorf", "meister", "land", "burg", "hofer"]
)


def _compound_of_two(word: str) -> bool:
    """A German compound of a word of radiology and a plain noun, in either order (Fahrradsturz, Therapiekontrolle)."""
    medical, nouns = _german_parts(), _german_nouns()
    for cut in range(4, len(word) - 3):
        first = word[:cut]
        if first not in medical and first not in nouns:
            continue
        for joint in _GERMAN_JOINTS:
            if not word.startswith(joint, cut):
                continue
            last = word[cut + len(joint) :]
            for second in (last, *(last[: -len(end)] for end in ("s", "es", "n", "en", "e") if last.endswith(end))):
                if len(second) >= 4 and (second in medical or second in nouns) and {first, second} & medical:
                    return True
    return False


@cache
def _german_nouns() -> frozenset[str]:
    listed = _sections(_folder().joinpath("de/plain.txt"))
    words = {form for entry in listed.get("nouns", []) for form in _forms(entry)}
    return frozenset(word for word in words if len(word) >= 4 and not _table().get(word, 0) & NAME) - _SURNAME_PARTS


@cache
def _german_parts() -> frozenset[str]:
    words = (
        form
        for path in ("de/radiology.txt",)
        for entry in _sections(_folder().joinpath(path))[""]
        for form in _forms(entry)
    )
    extra = "untersuchung befund bild aufnahme lage kontrolle zeichen seite spitze bereich zunahme abnahme verlauf grenze breite schluss nachweis patient station intensiv"  # noqa: E501
    return frozenset(word for word in (*words, *extra.split()) if len(word) >= 4)


def _compound(word: str, depth: int = 0) -> bool:
    """Whether a German compound consists of listed parts of at least four letters."""
    parts = _german_parts()
    if word in parts and depth:
        return True
    if depth > 3:
        return False
    for cut in range(4, len(word) - 3):
        if word[:cut] in parts:
            for joint in _GERMAN_JOINTS:
                if (
                    word.startswith(joint, cut)
                    and len(word) - cut - len(joint) >= 4
                    and _compound(word[cut + len(joint) :], depth + 1)
                ):
                    return True
    return False


def in_list(word: str, flags: int) -> bool:
    """Whether a word, in any spelling, has one of the flags."""
    return bool(classify(fold(word)) & flags)


def _read(name: str) -> frozenset[str]:
    return frozenset(form for entry in _sections(_folder().joinpath(name))[""] for form in _forms(entry))


@cache
def context_words(section: str) -> frozenset[str]:
    """Folded words of a section of `context.txt`."""
    return frozenset(fold(word) for word in _sections(_folder().joinpath("context.txt"))[section])


@cache
def radiology_words() -> frozenset[str]:
    """Folded radiology vocabulary of all languages."""
    return frozenset(word for word, flags in _table().items() if flags & RADIOLOGY)


@cache
def device_words() -> frozenset[str]:
    """Folded maker and model vocabulary, radiology words included."""
    return _read("devices.txt") | radiology_words()


@cache
def code_words() -> frozenset[str]:
    """Folded words and whole values that CS attributes may hold, radiology words included."""
    listed = _read("codes.txt")
    parts = {part for word in listed for part in word.split("_")}
    return listed | parts | radiology_words()
