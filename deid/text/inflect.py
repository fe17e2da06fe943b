"""Regular forms of listed words, by language and kind. Entries are folded (`deid.text.spelling.fold`), so German umlauts of plurals
and Spanish accents need no rule. A form that is no word does no harm, for nobody writes it."""

from __future__ import annotations

import re
from collections.abc import Callable


def inflect(language: str, word: str, kind: str) -> set[str]:
    """Forms of an entry of section `kind` ("verbs", "strong", "nouns", "adjectives", else as it stands)."""
    rules = _LANGUAGES.get(language)
    return rules(word, kind) if rules is not None else {word}


def _english(word: str, kind: str) -> set[str]:
    forms = {word}
    ending_e, consonant_y = word.endswith("e"), word.endswith("y") and word[-2:-1] not in "aeiou"
    plural = (
        word[:-1] + "ies"
        if consonant_y
        else word + "es"
        if word.endswith(("s", "x", "z", "ch", "sh", "o"))
        else word + "s"
    )
    doubled = word + word[-1] if re.search(r"[^aeiou][aeiou][bdglmnprt]\Z", word) else word
    if kind == "verbs":
        stem = word[:-1] if ending_e else word
        past = word[:-1] + "ied" if consonant_y else stem + "ed"
        forms |= {plural, past, stem + "ing", doubled + "ed", doubled + "ing", stem + "able"}
        if word.endswith("ate") and len(word) >= 6:
            forms |= {stem + "ion", stem + "ions", stem + "ive"}
        if word.endswith(("ize", "ise")) and len(word) >= 6:
            forms |= {stem + "ation", stem + "ations"}
            forms |= {form.replace("iz", "is") for form in forms if form.startswith(word[:-3] + "iz")}
    elif kind == "nouns":
        forms |= {plural, plural[:-3] + "ves" if plural.endswith("fes") else plural}
    elif kind == "adjectives":
        if word.endswith("le"):
            forms.add(word[:-1] + "y")
        forms.add(word[:-1] + "ily" if consonant_y else word + "ally" if word.endswith("ic") else word + "ly")
        if len(word) >= 4:
            forms.add((word[:-1] + "i" if consonant_y else word) + "ness")
        if len(word) <= 6:
            stem = word[:-1] if ending_e else word[:-1] + "i" if consonant_y else doubled
            forms |= {stem + "er", stem + "est"}
    return forms


_ADJECTIVE_ENDS = ("", "e", "en", "em", "er", "es")
# Prefixes that part from their verb (abklingen, klingt ab, abgeklungen) and those that do not (verschatten, verschattet).
_PARTING = tuple(
    re.findall(
        r"\w+",
        "ab an auf aus bei durch ein fest fort frei hin her heraus hervor herab hinaus hinzu los mit nach nieder statt uber um unter vor "  # noqa: E501
        "voran vorbei weg weiter wieder zu zuruck zusammen nahe fern",
    )
)
_STAYING = ("be", "ent", "er", "ver", "zer", "miss", "uber", "unter", "wider", "hinter", "durch", "um")


def _german(word: str, kind: str) -> set[str]:
    if kind == "adjectives":
        stem = word[:-2] + word[-1] if word.endswith(("el", "er")) else word[:-1] if word.endswith("e") else word
        return {word, *(stem + end for end in _ADJECTIVE_ENDS)}
    if kind == "nouns":
        return {word, *(word + end for end in ("e", "en", "n", "s", "es", "nen"))}
    if kind == "verbs" and word.endswith("n"):
        stem = word[:-2] if word.endswith("en") else word[:-1]
        linked = stem + "e" if stem.endswith(("t", "d", "chn", "ffn", "gn", "dn")) else stem
        staying = word.endswith("ieren") or word.startswith(_STAYING)
        parted = next((p for p in _PARTING if word.startswith(p) and len(word) - len(p) >= 5), "")
        participle = linked + "t" if staying else parted + "ge" + linked[len(parted) :] + "t"
        found = _verb(word, linked + "t", linked + "te", participle)
        if parted:
            rest = word[len(parted) :]
            found |= {parted + "zu" + rest}
            alone = linked[len(parted) :]
            found |= {alone + "t", alone + "te", alone + "ten"}
            if not word.endswith("ieren"):
                found |= _verb(word, linked + "t", linked + "te", linked + "t")
        return found
    if kind == "strong" and word.count(":") == 3:
        # infinitive:present:past:participle, and the same with every prefix: gehen:geht:ging:gegangen.
        infinitive, present, past, participle = word.split(":")
        found = _verb(infinitive, present, past, participle)
        bare = participle[2:] if participle.startswith("ge") else participle
        for prefix in _PARTING:
            found |= _verb(prefix + infinitive, prefix + present, prefix + past, prefix + participle)
            found.add(prefix + "zu" + infinitive)
        for prefix in _STAYING:
            found |= _verb(prefix + infinitive, prefix + present, prefix + past, prefix + bare)
        return found
    return {word}


def _verb(infinitive: str, present: str, past: str, participle: str) -> set[str]:
    """Infinitive, third person, past, participles with their endings and the noun in -ung."""
    stem = infinitive[:-2] if infinitive.endswith("en") else infinitive[:-1]
    forms = {
        infinitive,
        infinitive + "s",
        present,
        past,
        past + "n",
        past + "en",
        stem + "e",
        stem + "ung",
        stem + "ungen",
    }
    forms |= {infinitive + "d" + end for end in _ADJECTIVE_ENDS}
    return forms | {participle + end for end in _ADJECTIVE_ENDS}


_AR = tuple(
    re.findall(
        r"\w+",
        "o as a amos an e es emos en aba abas abamos aban aste aron ara aran aras aria arian aremos ado ada ados adas ando "
        "arse arlo arla arlos arlas arle arles andose andolo are ase asen asemos aran",
    )
)
_ER_IR = tuple(
    re.findall(
        r"\w+",
        "o es e emos en imos a as an amos ia ias iamos ian i io iste ieron era eran ira iran eria erian iria irian ido ida idos idas "
        "iendo erse irse erlo irlo erla irla erle irle iendose iera ieran iese iesen",
    )
)


def _spanish(word: str, kind: str) -> set[str]:
    if kind == "verbs" and word[-2:] in ("ar", "er", "ir"):
        stem, ends = word[:-2], _AR if word.endswith("ar") else _ER_IR
        forms = {word, *(stem + end for end in ends)}
        if word.endswith("car"):
            forms |= {stem[:-1] + "que", stem[:-1] + "quen"}
        if word.endswith("gar"):
            forms |= {stem + "ue", stem + "uen"}
        if word.endswith("zar"):
            forms |= {stem[:-1] + "ce", stem[:-1] + "cen"}
        return forms
    if kind not in ("adjectives", "nouns"):
        return {word}
    forms = {word, word + ("s" if word[-1:] in "aeiou" else "es")}
    if word.endswith("z"):
        forms.add(word[:-1] + "ces")
    if kind == "adjectives" and word.endswith("o"):
        forms |= {word[:-1] + "a", word[:-1] + "as", word[:-1] + "amente", word[:-1] + "isimo", word[:-1] + "isima"}
    elif kind == "adjectives":
        forms.add(word + "mente")
        if word.endswith("or"):
            forms |= {word + "a", word + "as"}
    return forms


_LANGUAGES: dict[str, Callable[[str, str], set[str]]] = {"en": _english, "de": _german, "es": _spanish}
