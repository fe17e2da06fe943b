"""A relative path as a hospital gave it, in one spelling; and what operating systems leave in folders."""

from __future__ import annotations

import unicodedata

MAX_NAME = 1024
#: Nobody means to deliver these.
NOISE = frozenset({".ds_store", "thumbs.db", "ehthumbs.db", "desktop.ini", ".localized"})
#: Marks that turn the direction of writing (Unicode, bidirectional formatting): shown with them a name says another thing.
_TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class BadName(ValueError):
    """A name that is not taken; ``remedy`` says what to do. The name is never repeated."""

    def __init__(self, message: str, remedy: str) -> None:
        self.remedy = remedy
        super().__init__(message)


def one_spelling(raw: str) -> str:
    """NFC, forward slashes, no drive, no root, no ``.``.

    Raises ``BadName`` for an empty name, a step upwards, control characters, turning marks or more than 1,024 characters.
    """
    text = unicodedata.normalize("NFC", raw.replace("\\", "/"))
    if len(text) > 2 and text[1:3] == ":/" and text[0].isalpha():
        text = text[2:]  # tools on Windows write drives in good faith
    parts = [part for part in text.split("/") if part not in ("", ".")]
    name = "/".join(parts)
    if not name:
        raise BadName("The file came without a name.", "Send its name in Upload-Metadata as filename or relativePath.")
    if ".." in parts:
        raise BadName(
            "The file's path leads out of its folder.", "Send the path relative to the folder you chose, without '..'."
        )
    if len(name) > MAX_NAME:
        raise BadName(
            f"The file's path has {len(name):,} characters; the limit is {MAX_NAME:,}.", "Shorten the folder names."
        )
    if any(unicodedata.category(character) in ("Cc", "Cs", "Zl", "Zp") for character in name):
        raise BadName("The file's name holds control characters.", "Rename the file and send it again.")
    if _TURNING.intersection(name):
        raise BadName(
            "The file's name holds marks that turn the direction of writing, so it reads as another name.",
            "Rename the file and send it again.",
        )
    return name


def is_noise(name: str) -> bool:
    """True for files that operating systems leave in folders."""
    last = name.rsplit("/", 1)[-1].lower()
    return last in NOISE or last.startswith("._") or "__MACOSX" in name.split("/")[:-1]
