"""How a release is cited: as text and as BibTeX, with its version and the digest of its archive."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: What BibTeX would read as a command.
_ESCAPED = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}",
}  # fmt: skip


@dataclass(frozen=True)
class Citable:
    """``name`` is the archive's, ``address`` the page's, ``sha256`` the archive's digest in hex."""

    name: str
    title: str
    number: int
    published: date
    sha256: str
    address: str


def as_text(release: Citable) -> str:
    """One sentence for a list of references."""
    day = f"{release.published.day} {release.published:%B %Y}"
    return (
        f"{release.title}, release {release.number}. GetDATA, {day}. {release.address}. "
        f"SHA-256 of the archive: {release.sha256}."
    )


def as_bibtex(release: Citable) -> str:
    """An entry of type ``misc``, which every style knows."""
    title = "".join(_ESCAPED.get(letter, letter) for letter in " ".join(release.title.split()))
    return "\n".join(
        [
            f"@misc{{{release.name},",
            f"  title = {{{{{title}}}}},",
            "  publisher = {GetDATA},",
            f"  year = {{{release.published.year}}},",
            f"  month = {_MONTHS[release.published.month - 1]},",
            f"  version = {{{release.number}}},",
            f"  howpublished = {{\\url{{{release.address}}}}},",
            f"  note = {{SHA-256 of the archive: {release.sha256}}}",
            "}",
        ]
    )
