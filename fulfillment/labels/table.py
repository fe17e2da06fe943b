"""One statement of a table of labels, what is wrong with a row, and the states of an image that follow.

`fulfillment.labels.formats` reads and writes the tables.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Literal

from fulfillment.labels.consensus import settle
from fulfillment.labels.methods import read_method
from fulfillment.labels.statement import Statement
from requests_app.taxonomy import LabelState

STATES = {
    "present": LabelState.PRESENT,
    "positive": LabelState.PRESENT,
    "yes": LabelState.PRESENT,
    "true": LabelState.PRESENT,
    "1": LabelState.PRESENT,
    "1.0": LabelState.PRESENT,
    "likely": LabelState.LIKELY,
    "probable": LabelState.LIKELY,
    "possible": LabelState.POSSIBLE,
    "uncertain": LabelState.POSSIBLE,
    "-1": LabelState.POSSIBLE,
    "-1.0": LabelState.POSSIBLE,
    "absent": LabelState.ABSENT,
    "negative": LabelState.ABSENT,
    "no": LabelState.ABSENT,
    "false": LabelState.ABSENT,
    "0": LabelState.ABSENT,
    "0.0": LabelState.ABSENT,
    "not_mentioned": LabelState.NOT_MENTIONED,
    "not mentioned": LabelState.NOT_MENTIONED,
    "": LabelState.NOT_MENTIONED,
}


@dataclass(frozen=True, slots=True)
class LabelRow:
    """One statement. `image` is a SOPInstanceUID or a file name, as `image_kind` says.

    `finding` is the taxonomy's key and `name` its spelling there; `row` is the line number in the table,
    the header being row 1.
    """

    image: str
    image_kind: Literal["sop_instance_uid", "file"]
    finding: str
    name: str
    state: LabelState
    source: str = ""
    reader: str = ""
    row: int = 0

    def statement(self) -> Statement:
        """What the row states, without the image and the finding."""
        method, readers = read_method(self.source)
        return Statement(self.state, method, self.reader, readers)


@dataclass(frozen=True, slots=True)
class LabelProblem:
    """What is wrong with one row (0 = the file as a whole), why, and what to do.

    ``place`` says where in files that have no rows ("annotations[3]", "segment 2"); ``file`` names the member of a folder or an
    archive, and may hold what identifies a patient: it is for the one who sent it, never for storage in the clear.
    """

    row: int
    code: str
    cause: str
    remedy: str
    place: str = ""
    file: str = ""

    def as_dict(self) -> dict[str, str | int]:
        return asdict(self)


def labels_by_image(rows: Iterable[LabelRow]) -> dict[str, dict[str, str]]:
    """Per image (UID or file name) its findings' states by key, in the form that `ImageFacts.labels` takes, by the rule of
    `fulfillment.labels.consensus`.
    """
    return {
        image: {finding: settle(said).state.value for finding, said in findings.items()}
        for image, findings in statements_by_image(rows).items()
    }


def statements_by_image(rows: Iterable[LabelRow]) -> dict[str, dict[str, list[Statement]]]:
    """Per image, by finding, what each row states: the form that `ImageFacts.statements` takes."""
    said: dict[str, dict[str, list[Statement]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        said[row.image][row.finding].append(row.statement())
    return {image: dict(findings) for image, findings in said.items()}
