"""Character sets (PS3.3 C.12.1.1.2): decode what came, write ISO_IR 192 (UTF-8)."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

from pydicom import charset as pydicom_charset

from deid.outcome import Refusal

OUTPUT_CHARACTER_SET = b"ISO_IR 192"
_TEXT_DELIMITERS = {0x0D, 0x0A, 0x09, 0x0C}


def read_charset(raw: bytes) -> tuple[str, ...]:
    """Python codecs for a SpecificCharacterSet value. Raises Refusal("charset-unknown") for terms PS3.3 does
    not define."""
    terms = [term.strip(" \0") for term in raw.decode("latin-1").split("\\")]
    if not any(terms):
        return ("iso8859",)
    codecs = []
    for index, term in enumerate(terms):
        spelled = term.upper().replace("-", "_").replace("ISOIR", "ISO_IR").replace("ISO_IR_", "ISO_IR ")
        if spelled in ("UTF_8", "UTF8"):
            spelled = "ISO_IR 192"
        codec = pydicom_charset.python_encoding.get(term) or pydicom_charset.python_encoding.get(spelled)
        if codec is None:
            if term == "" and index == 0:
                codec = "iso8859"
            else:
                raise Refusal("charset-unknown")
        codecs.append(str(codec))
    return tuple(codecs)


def decode(raw: bytes, codecs: Sequence[str]) -> str:
    """Text of a value. What the declared set cannot read is read as UTF-8, else as Latin-1: cleaning then judges it."""
    raw = raw.rstrip(b"\0")
    if raw.isascii() and b"\x1b" not in raw:
        return raw.decode("ascii")
    if len(codecs) == 1 and b"\x1b" not in raw:
        for codec in (codecs[0], "utf-8"):
            if codec == "iso8859":
                continue
            try:
                return raw.decode(codec)
            except (UnicodeDecodeError, LookupError):
                continue
        try:
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            return raw.decode("latin-1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            return str(pydicom_charset.decode_bytes(raw, list(codecs), _TEXT_DELIMITERS))
        except (
            Exception
        ):  # pydicom reports undecodable bytes as warnings and several exception types; all mean the same
            return raw.decode("latin-1")
