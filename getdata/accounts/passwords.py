"""Passwords that are guessed first, refused without asking anybody: the shapes that people reach for when a rule wants length.

Django's own list holds 20,000 passwords that were found in breaches, word for word. Of those that have twelve characters most are
a well-known word, a row of keys, a name of this trade, or a year, made longer. This undoes the lengthening and looks at what is left.
The words are ours, written from what is publicly known of habits; nothing is fetched.
"""

from __future__ import annotations

import re
from itertools import pairwise

from django.core.exceptions import ValidationError

#: What a lengthened password is usually made of, in lower case, with the usual digits turned back into letters.
_WORDS = """
password passwort passphrase contrasena motdepasse letmein welcome willkommen bienvenido hello hallo iloveyou loveyou sunshine
princess dragon monkey football baseball superman batman starwars master shadow michael jordan jennifer charlie daniel thomas
qwertz azerty admin administrator root user login guest test testing changeme secret default temporary temp initial access
system server hospital klinik clinic doctor nurse radiology radiologie xray chest thorax lung dicom pacs patient health medical
medicine getdata data dataset research researcher reviewer university science summer winter spring autumn sommer fruehling
herbst january february march april may june july august september october november december monday friday sunday london berlin
paris america germany company business computer internet google microsoft windows apple facebook correcthorsebatterystaple
"""
WORDS = frozenset(_WORDS.split())
_ROWS = (
    "qwertyuiop",
    "qwertzuiop",
    "azertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "yxcvbnm",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
)
_TURNED = str.maketrans(
    {"0": "o", "1": "l", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b", "@": "a", "$": "s", "!": "i", "€": "e"}
)
#: So many characters must be left once words, rows, repeats and numbers are taken away.
_LEFT = 6


def what_is_left(password: str) -> str:
    """The password without known words, rows of keys, repeats and numbers: what somebody would have to guess."""
    plain = password.lower()
    plain = re.sub(r"(?:19|20)\d\d", " ", plain)
    plain = re.sub(r"(.{1,4}?)\1{2,}", r"\1", plain)
    plain = _without_rows(plain)
    for text in (plain.translate(_TURNED), plain):
        for word in sorted(WORDS, key=len, reverse=True):
            text = text.replace(word, " ")
        plain = min(plain, re.sub(r"[\W\d_]+", "", text), key=len)
    return plain


def _without_rows(text: str) -> str:
    """Neighbours on a keyboard or in the alphabet, four or more in a row, forwards or backwards, become nothing."""
    steps = {pair for row in _ROWS for line in (row, row[::-1]) for pair in pairwise(line)}
    kept, run = "", text[:1]
    for before, after in pairwise(text):
        if (before, after) in steps:
            run += after
            continue
        kept, run = kept + (run if len(run) < 4 else ""), after
    return kept + (run if len(run) < 4 else "")


class NoUsualShape:
    """A validator of ``AUTH_PASSWORD_VALIDATORS``."""

    def validate(self, password: str, user: object = None) -> None:
        if len(what_is_left(password)) < _LEFT:
            raise ValidationError(
                "This password is a well-known word, a row of keys, a name or a year made longer, and is among the first that are "
                "tried. Four words that have nothing to do with each other make a good one.",
                code="password_usual_shape",
            )

    def get_help_text(self) -> str:
        return "Your password can’t be a well-known word, a row of keys or a year made longer."
