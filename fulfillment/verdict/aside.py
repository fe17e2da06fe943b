"""What lies beside the images on a patient's disc: known for what it is and left aside, neither stored nor counted as an error.

Only what both its content and its name say is left aside. A program under the name ``IM0001.dcm`` is no viewer: it is looked at
as an image and refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from fulfillment.verdict.names import is_noise

_MEDIA_DIRECTORY = b"1.2.840.10008.1.3.10"
_PROGRAM_HEADS = (
    b"MZ",  # PE
    b"\x7fELF",
    b"\xca\xfe\xba\xbe",  # Mach-O of several machines, Java
    b"\xfe\xed\xfa\xce", b"\xfe\xed\xfa\xcf", b"\xce\xfa\xed\xfe", b"\xcf\xfa\xed\xfe",  # Mach-O
    b"#!",
)  # fmt: skip
_PROGRAMS = frozenset(
    {"exe", "dll", "so", "dylib", "ocx", "com", "scr", "sys", "drv", "msi", "cab", "jar", "class", "bat", "cmd", "sh", "ps1",
     "vbs", "command", "app", "manifest", "pdb"}
)  # fmt: skip
_SCRIPTS = frozenset({"bat", "cmd", "ps1", "vbs", "manifest"})
_SETTINGS = frozenset(
    {"inf", "ini", "cfg", "conf", "config", "ico", "icns", "lnk", "url", "plist", "log", "reg", "chm", "hlp"}
)
_PAGES = frozenset({"htm", "html", "xhtml", "css", "js", "mjs", "svg", "swf", "woff", "woff2", "ttf"})
_READ_ME = ("readme", "liesmich", "license", "licence", "lizenz", "autorun", "changelog", "copying")


@dataclass(frozen=True)
class Aside:
    """Why a file is left aside, in a code and a sentence."""

    code: str
    message: str


INDEX = Aside("DISC_INDEX", "The index of a disc (DICOMDIR): a map of files and no image. Nothing of it was stored.")
PROGRAM = Aside(
    "VIEWER_PROGRAM", "A program, such as the viewer on a patient's disc: no image. It was deleted unopened."
)
SETTINGS = Aside("VIEWER_FILE", "A file that belongs to a program on the disc: no image. Nothing of it was stored.")
PAGE = Aside("WEB_PAGE", "A web page or a part of one: no image. Nothing of it was stored.")
READ_ME = Aside("DISC_TEXT", "A text about the disc: no image. Nothing of it was stored.")
SYSTEM = Aside("SYSTEM_FILE", "A file that operating systems leave in folders: no image. Nothing of it was stored.")


def left_aside(head: bytes, name: str) -> Aside | None:
    """What a file is that lies beside images, by its first bytes and its relative path; None for all others."""
    if head[128:132] == b"DICM":
        return INDEX if _is_media_directory(head) else None
    if is_noise(name):
        return SYSTEM
    last = PurePosixPath(name.lower()).name
    ending = last.rpartition(".")[2] if "." in last else ""
    if ending in _PROGRAMS and (ending in _SCRIPTS or _is_program(head)):
        return PROGRAM
    if ending in _SETTINGS:
        return SETTINGS
    if ending in _PAGES:
        return PAGE
    if last.startswith(_READ_ME) and ending in ("", "txt", "md", "rtf", "pdf", "inf"):
        return READ_ME
    return None


def _is_program(head: bytes) -> bool:
    return head.startswith((*_PROGRAM_HEADS, b"PK\x03\x04", b"MSCF", b"\xd0\xcf\x11\xe0"))


def _is_media_directory(head: bytes) -> bool:
    """Whether the file meta names the Media Storage Directory (PS3.10 8): 0002,0002 stands in the first bytes."""
    at = head.find(b"\x02\x00\x02\x00UI", 132, 400)
    return at >= 0 and head[at + 8 : at + 28] == _MEDIA_DIRECTORY and head[at + 28 : at + 29] in (b"\0", b"\x02", b"")
