"""What a client accepts (PS3.18 8.7, RFC 9110 12.5.1): media types with their part types and transfer syntaxes."""

from __future__ import annotations

from dataclasses import dataclass

EXPLICIT_LE = "1.2.840.10008.1.2.1"
#: Transfer syntax -> media type of its frames (PS3.18 table 8.7.3-5).
FRAME_TYPES = {
    "1.2.840.10008.1.2.5": "image/dicom-rle",
    "1.2.840.10008.1.2.4.50": "image/jpeg",
    "1.2.840.10008.1.2.4.51": "image/jpeg",
    "1.2.840.10008.1.2.4.57": "image/jpeg",
    "1.2.840.10008.1.2.4.70": "image/jpeg",
    "1.2.840.10008.1.2.4.80": "image/jls",
    "1.2.840.10008.1.2.4.81": "image/jls",
    "1.2.840.10008.1.2.4.90": "image/jp2",
    "1.2.840.10008.1.2.4.91": "image/jp2",
    "1.2.840.10008.1.2.4.201": "image/jphc",
    "1.2.840.10008.1.2.4.202": "image/jphc",
    "1.2.840.10008.1.2.4.203": "image/jphc",
}
_ALIASES = {"image/x-dicom-rle": "image/dicom-rle", "image/x-jls": "image/jls", "image/jpg": "image/jpeg"}
_MAX_RANGES = 40


@dataclass(frozen=True)
class Acceptable:
    """One range of an Accept header. ``multipart``: it was said of parts; ``syntax``: ``""`` unsaid, ``*`` any, or a UID."""

    media_type: str
    multipart: bool
    syntax: str
    quality: float

    @property
    def is_anything(self) -> bool:
        return self.media_type == "*/*"

    def covers(self, media_type: str) -> bool:
        """Whether a media type is within this range."""
        if self.is_anything:
            return True
        if self.media_type.endswith(("/*", "/")):
            return media_type.split("/")[0] == self.media_type.split("/")[0]
        return self.media_type == media_type


def parse_accept(header: str) -> list[Acceptable]:
    """The ranges, best first; a missing header accepts anything. Ranges of quality 0 and what cannot be read are left out."""
    found = []
    for text in _split(header, ",")[:_MAX_RANGES]:
        kind, named = parse_media_type(text)
        if "/" not in kind:
            continue
        multipart = kind == "multipart/related"
        if multipart:
            kind = named.get("type", "*/*").lower() or "*/*"
        try:
            quality = float(named.get("q", "1"))
        except ValueError:
            quality = 1.0
        if quality > 0:
            found.append(Acceptable(_ALIASES.get(kind, kind), multipart, named.get("transfer-syntax", ""), quality))
    if not header.strip():
        return [Acceptable("*/*", False, "", 1.0)]
    return sorted(found, key=lambda one: -one.quality)


def parse_media_type(text: str) -> tuple[str, dict[str, str]]:
    """A media type in lower case and its parameters, quoted or not: PACS send ``type=application/dicom`` without quotes too."""
    pieces = _split(text, ";")
    named = {}
    for piece in pieces[1:]:
        name, _, value = piece.partition("=")
        named[name.strip().lower()] = value.strip().strip('"')
    return (pieces[0].strip().lower() if pieces else ""), named


def _split(text: str, mark: str) -> list[str]:
    """Split at a mark outside quotes."""
    parts, part, quoted = [], "", False
    for character in text[:4000]:
        if character == '"':
            quoted = not quoted
        if character == mark and not quoted:
            parts.append(part)
            part = ""
        else:
            part += character
    return [*parts, part] if part.strip() or parts else []


@dataclass(frozen=True)
class Choice:
    """What is sent: the media type, in parts or alone, and the transfer syntax (the stored one, or Explicit VR Little Endian)."""

    media_type: str
    multipart: bool
    syntax: str


def choose_instance(accepted: list[Acceptable], stored: str) -> Choice | None:
    """How an instance is sent: as stored where any syntax or that one is accepted, decoded where only Explicit VR LE is.

    Unsaid means Explicit VR Little Endian (PS3.18 8.7.3.3.2), but ``*/*`` gets what is stored. None: 406.
    """
    for one in accepted:
        if not one.covers("application/dicom"):
            continue
        multipart = one.multipart or one.is_anything
        if one.syntax in ("*", stored) or (one.is_anything and not one.syntax):
            return Choice("application/dicom", multipart, stored)
        if one.syntax in ("", EXPLICIT_LE):
            return Choice("application/dicom", multipart, EXPLICIT_LE)
    return None


def choose_frame(accepted: list[Acceptable], stored: str) -> Choice | None:
    """How frames are sent: ``application/octet-stream`` is always decoded; a picture's type, or any, with ``*`` gets the stored
    code stream. None: 406."""
    native = FRAME_TYPES.get(stored)
    for one in accepted:
        multipart = one.multipart or one.is_anything
        if native and one.media_type != "application/octet-stream" and one.covers(native):
            named = not one.media_type.endswith(("/*", "/")) or one.media_type == "image/*"
            if one.syntax in ("*", stored) or (named and not one.is_anything and not one.syntax):
                return Choice(native, multipart, stored)
        if one.covers("application/octet-stream") and one.syntax in ("", "*", EXPLICIT_LE):
            return Choice("application/octet-stream", multipart, EXPLICIT_LE)
    return None


def choose_plain(accepted: list[Acceptable], offered: tuple[str, ...]) -> str | None:
    """The first of what is offered that the client accepts alone, in the client's order. None: 406."""
    for one in accepted:
        if not one.multipart:
            for media_type in offered:
                if one.covers(media_type):
                    return media_type
    return None
