"""What an archive may cost, and why an archive or one of its members is not taken."""

from __future__ import annotations

from dataclasses import dataclass

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class ArchiveLimits:
    """Refuse beyond: bytes of all members, bytes of one, members, and bytes out for each byte in.

    ``free_bytes`` may come out before the ratio is looked at: small archives of empty pictures are no bombs.
    """

    total_bytes: int = 8 * 1024 * MEBIBYTE
    member_bytes: int = 512 * MEBIBYTE
    members: int = 20_000
    ratio: int = 200
    free_bytes: int = 64 * MEBIBYTE

    def too_far(self, taken: int, given: int) -> bool:
        """Whether ``given`` bytes out of ``taken`` bytes in are more than is let through."""
        return given > self.total_bytes or (given > self.free_bytes and given > self.ratio * max(1, taken))


@dataclass(frozen=True)
class Problem:
    """Why one entry of an archive was not taken, or why reading ended early (``position`` 0).

    ``position`` counts the entries from 1. Names are identity: no text here holds one.
    """

    code: str
    message: str
    remedy: str
    position: int = 0
    #: Nothing is wrong with it: system files, empty files.
    harmless: bool = False


class ArchiveRefused(Exception):
    """The archive cannot be taken at all; ``code`` names why."""

    def __init__(self, code: str, message: str, remedy: str) -> None:
        self.code, self.message, self.remedy = code, message, remedy
        super().__init__(code)


class Refused(Exception):
    """One entry is not taken. ``code`` is a key of ``_ENTRIES``."""

    def __init__(self, code: str) -> None:
        self.code = code
        super().__init__(code)


_AGAIN = "Make the archive again and resend it."
_THEMSELVES = "Archive the files themselves."
_ENTRIES: dict[str, tuple[str, str]] = {
    "ARCHIVE_ENCRYPTED": ("is protected by a password", "Send it without one."),
    "ARCHIVE_HAS_LINKS": ("is a link and no file", _THEMSELVES),
    "ARCHIVE_HAS_DEVICES": ("is a device, a pipe or a socket and no file", _THEMSELVES),
    "ARCHIVE_SPARSE": ("is stored as a sparse file, which is not taken in", "Make the archive without --sparse."),
    "ARCHIVE_COMPRESSION": (
        "is packed in a way that is not taken in",
        "Make the archive again as an ordinary zip (stored, deflated, bzip2 or LZMA) or as tar.gz.",
    ),
    "ARCHIVE_MEMBER_TOO_LARGE": ("is larger than one image may be", "Leave it out, or send single radiographs."),
    "ARCHIVE_MEMBER_EXPANDS": (
        "would expand to far more than any image does",
        "Send the file itself; it is made to harm or damaged if it is no archive of empty pictures.",
    ),
    "ARCHIVE_MEMBER_DAMAGED": ("is damaged: its bytes do not agree with its checksum or length", _AGAIN),
    "ARCHIVE_CONTRADICTS_ITSELF": (
        "is described in two ways by the archive: its directory and the entry itself disagree",
        _AGAIN,
    ),
    "ARCHIVE_OVERLAPS": ("shares its bytes with another entry, which no ordinary archive does", _AGAIN),
    "ARCHIVE_NAME_UNSAFE": (
        "has a name that cannot be taken: a step upwards, control characters, marks that turn the direction of writing, "
        "no valid text, or more than 1,024 characters",
        "Rename the file and make the archive again.",
    ),
    "ARCHIVE_NAME_TWICE": (
        "has the name of an entry before it, so it is unclear which one is meant; the first was kept",
        "Give each file a name of its own and send the archive again.",
    ),
    "ARCHIVE_EMPTY_FILES": ("is empty: it holds no bytes", ""),
    "ARCHIVE_SYSTEM_FILES": ("is a file that operating systems leave in folders", ""),
}
_HARMLESS = frozenset({"ARCHIVE_EMPTY_FILES", "ARCHIVE_SYSTEM_FILES"})


def entry_problem(code: str, position: int) -> Problem:
    """The problem of one entry in words: the sentence begins with its position."""
    message, remedy = _ENTRIES[code]
    return Problem(code, message, remedy, position, code in _HARMLESS)


def cut_short() -> Problem:
    """Reading ended before the archive did."""
    return Problem(
        "ARCHIVE_CUT_SHORT",
        "The archive is damaged or cut short; what could be read up to that place was taken in.",
        "Make the archive again and resend it: what is here already is recognised and not taken twice.",
    )


def expands_too_far() -> ArchiveRefused:
    """A bomb, or more than one delivery may be."""
    return ArchiveRefused(
        "ARCHIVE_EXPANDS_TOO_FAR",
        "This archive would expand to far more than its size or our limit.",
        "Send the files themselves, or an archive of plain DICOM files.",
    )


def too_many(count: int | None, limit: int) -> ArchiveRefused:
    """More entries than an archive may have; ``count`` is None where it is not known before the end."""
    held = f"{count:,}" if count is not None else f"more than {limit:,}"
    return ArchiveRefused(
        "ARCHIVE_TOO_MANY_FILES",
        f"This archive holds {held} files; the limit is {limit:,}.",
        "Split it into several archives.",
    )


def unreadable() -> ArchiveRefused:
    """Nothing in it can be read."""
    return ArchiveRefused("ARCHIVE_UNREADABLE", "This archive is damaged or cut short.", "Make it again and resend it.")
