"""Synthetic identities: invented names in several scripts, numbers and addresses of ranges kept free for fiction.

Everything is drawn from HMACs of the batch's key and the image's own bytes: a second run plants the same, and nobody
without the key can tell what will be planted. Nothing here is a real person's: surnames are made of invented syllables,
telephone numbers lie in 555-01xx, web addresses under .invalid (RFC 2606), UIDs under 2.999 (the arc for examples),
social security numbers begin with 9 (never issued).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from deid.keyring import Keyring
from deid.text.vocabulary import code_words, device_words, fold

T = TypeVar("T")

_ONSETS = ("br", "d", "f", "gl", "h", "j", "k", "l", "m", "n", "pr", "q", "r", "st", "tr", "v", "w", "x", "z", "zh")
_NUCLEI = ("a", "e", "i", "o", "u", "ae", "io", "ua")
_CODAS = ("", "k", "l", "m", "n", "r", "x", "z")
_ACCENTED = {"a": "áàâäåã", "e": "éèêë", "i": "íìîï", "o": "óòôöõø", "u": "úùûü", "n": "ñ", "z": "z"}
SCRIPTS: dict[str, tuple[str, int]] = {
    "cyrillic": ("абвгдежзиклмнопрстуфхцчшщыэюя", 7),
    "greek": ("αβγδεζηθικλμνξοπρστυφχψω", 7),
    "han": ("王李張劉陳楊黃趙吳周徐孫馬朱胡郭何高林羅鄭梁謝宋唐許韓馮鄧曹", 3),
    "kana": ("アイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモ", 5),
    "hangul": ("김이박최정강조윤장임한오서신권황안송류홍", 3),
    "arabic": ("ابتثجحخدذرزسشصضطظعغفقكلمنهوي", 6),
    "hebrew": ("אבגדהוזחטיכלמנסעפצקרשת", 6),
}
"""Letters of scripts beyond Latin, and how many make a name."""
_STREETS = ("Road", "Street", "Lane", "Weg", "Allee", "Calle")
_HOUSES = ("Infirmary", "Clinic", "Hospital", "Klinikum", "Spital")
_FIRST_YEAR, _YEAR_STEP = 1871, 3
_TRIES = 200


class Draw:
    """Numbers from HMAC-SHA256 of a seed and a counter: the same on every machine and in every version of Python."""

    def __init__(self, keyring: Keyring, seed: str) -> None:
        self._keyring, self._seed, self._count = keyring, seed, 0

    def below(self, limit: int) -> int:
        """A whole number from 0 to limit - 1."""
        self._count += 1
        return int.from_bytes(self._keyring.digest("canary", f"{self._seed}\x1f{self._count}")[:8], "big") % limit

    def between(self, low: int, high: int) -> int:
        """A whole number from low to high, both included."""
        return low + self.below(max(1, high - low + 1))

    def choose(self, options: Sequence[T]) -> T:
        """One of the options."""
        return options[self.below(len(options))]


class Forge:
    """Makes tokens, each of which is unique in its image and occurs nowhere in the image's own header.

    taken: says whether a token occurs in what is really the patient's; it is never planted then.
    """

    def __init__(self, draw: Draw, taken: Callable[[str], bool]) -> None:
        self.draw = draw
        self._taken = taken
        self._made: set[str] = set()
        self._years = 0

    def _fresh(self, make: Callable[[], str]) -> str:
        for _ in range(_TRIES):
            token = make()
            word = fold(token)
            if word in self._made or word in code_words() or word in device_words() or self._taken(token):
                continue
            self._made.add(word)
            return token
        raise RuntimeError("no synthetic token is left that differs from the image's own values")

    def _syllables(self, count: int) -> str:
        d = self.draw
        return "".join(d.choose(_ONSETS) + d.choose(_NUCLEI) + d.choose(_CODAS) for _ in range(count))

    def _invented(self) -> str:
        word = self._syllables(3)
        return word[:11].capitalize() if len(word) >= 6 else self._invented()

    def word(self) -> str:
        """An invented Latin name of 6 to 11 letters."""
        return self._fresh(self._invented)

    def accented(self) -> str:
        """An invented name with at least one accented Latin-1 letter."""

        def make() -> str:
            letters = list(self._invented().lower())
            places = [i for i, letter in enumerate(letters) if letter in "aeiou"]
            at = self.draw.choose(places)
            letters[at] = self.draw.choose(_ACCENTED[letters[at]])
            return "".join(letters).capitalize()

        return self._fresh(make)

    def scripted(self, script: str) -> str:
        """An invented name in a script of SCRIPTS."""
        letters, length = SCRIPTS[script]
        return self._fresh(lambda: "".join(self.draw.choose(letters) for _ in range(length)))

    def digits(self, length: int) -> str:
        """A number without a leading zero."""
        return self._fresh(
            lambda: str(self.draw.between(1, 9)) + "".join(str(self.draw.below(10)) for _ in range(length - 1))
        )

    def number(self) -> str:
        """A record or accession number of at most 13 characters, in one of the styles that hospitals use."""
        style = self.draw.below(4)
        if style == 0:
            return self.digits(10)
        if style == 1:
            return "00" + self.digits(8)
        if style == 2:
            return "ZQ" + self.digits(9)
        plain = self.digits(9)
        return f"{plain[:3]}-{plain[3:6]}-{plain[6:]}"

    def phone(self) -> str:
        """A North American number of the range kept free for fiction."""
        return self._fresh(lambda: f"({self.draw.between(201, 989)}) 555-01{self.draw.below(100):02d}")

    def social_security(self) -> str:
        """A number of a range that is never issued."""
        return self._fresh(
            lambda: f"9{self.draw.below(100):02d}-{self.draw.between(1, 99):02d}-{self.draw.between(1, 9999):04d}"
        )

    def mail(self) -> str:
        """An e-mail address that cannot exist."""
        return f"{self.word().lower()}@{self.word().lower()}.invalid"

    def street(self) -> str:
        """A street address."""
        return f"{self.draw.between(2, 98)} {self.word()} {self.draw.choose(_STREETS)}"

    def institution(self) -> str:
        """A hospital's name; only its first word identifies it."""
        return f"{self.word()} {self.draw.choose(_HOUSES)}"

    def uid(self) -> str:
        """A UID under the arc for examples."""
        return "2.999." + self.digits(18)

    def date(self) -> str:
        """A day as YYYYMMDD, in a year that no other date of this image was drawn in, so that no shift of one date can
        give another: years lie further apart than the longest usual shift."""
        self._years += 1
        year = _FIRST_YEAR + _YEAR_STEP * self._years
        return f"{year:04d}{self.draw.between(2, 12):02d}{self.draw.between(2, 28):02d}"
