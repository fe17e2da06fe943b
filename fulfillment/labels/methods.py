"""Where a label may say it comes from. A hospital's own words stay with the hospital: they may name people."""

from __future__ import annotations

from enum import StrEnum


class Method(StrEnum):
    """How a label was made. ``UNKNOWN`` where nothing was said, ``OTHER`` for words that we do not know."""

    REPORT_NLP = "report_nlp"
    REPORT_READ = "report_read"
    IMAGE_READ = "image_read"
    SINGLE_READER = "single_reader"
    READERS = "n_readers"
    CONSENSUS = "consensus"
    ADJUDICATED = "adjudicated"
    IMAGING = "imaging"
    SOFTWARE = "software"
    OTHER = "other"
    UNKNOWN = ""

    @property
    def plain(self) -> str:
        """The method in words for pages."""
        return _PLAIN[self]


_PLAIN = {
    Method.REPORT_NLP: "report, read by software",
    Method.REPORT_READ: "report, read by a person",
    Method.IMAGE_READ: "read from the image",
    Method.SINGLE_READER: "one radiologist",
    Method.READERS: "several readers",
    Method.CONSENSUS: "consensus of readers",
    Method.ADJUDICATED: "adjudicated",
    Method.IMAGING: "confirmed by other imaging",
    Method.SOFTWARE: "software on the image",
    Method.OTHER: "another way",
    Method.UNKNOWN: "not said",
}

#: Made by people who looked at the image (or at better imaging of the same thing).
FROM_IMAGE = frozenset(
    {
        Method.IMAGE_READ,
        Method.SINGLE_READER,
        Method.READERS,
        Method.CONSENSUS,
        Method.ADJUDICATED,
        Method.IMAGING,
    }
)

# Other spellings: the word, the method, and how many readers it says by itself.
_ALSO: dict[str, tuple[Method, int | None]] = {
    "single_radiologist": (Method.SINGLE_READER, 1),
    "radiologist": (Method.SINGLE_READER, 1),
    "one_reader": (Method.SINGLE_READER, 1),
    "single_reader": (Method.SINGLE_READER, 1),
    "two_readers": (Method.READERS, 2),
    "double_read": (Method.READERS, 2),
    "three_readers": (Method.READERS, 3),
    "multiple_readers": (Method.READERS, None),
    "readers": (Method.READERS, None),
    "majority": (Method.READERS, None),
    "adjudication": (Method.ADJUDICATED, None),
    # "Report" does not say who read it: the weaker of the two is what it claims.
    "report": (Method.REPORT_NLP, None),
    "nlp": (Method.REPORT_NLP, None),
    "image": (Method.IMAGE_READ, None),
    "ct": (Method.IMAGING, None),
    "ai": (Method.SOFTWARE, None),
    "model": (Method.SOFTWARE, None),
    "algorithm": (Method.SOFTWARE, None),
}

METHODS = frozenset(method.value for method in Method) - {""} | frozenset(_ALSO)


def read_method(text: str) -> tuple[Method, int | None]:
    """The method in our words, and the number of readers if the word says it."""
    word = text.strip().lower().replace(" ", "_").replace("-", "_")
    if word in _ALSO:
        return _ALSO[word]
    try:
        return Method(word), None
    except ValueError:
        return Method.OTHER, None


def known_method(text: str) -> str:
    """The method in our words: a value of ``Method``, ``"other"`` for anything else, ``""`` for nothing."""
    return read_method(text)[0].value
