"""PadChest (Bustos 2020): one row an image; ``Labels`` is a Python list written as text, places begin with ``loc``.

``LabelsLocalizationsBySentence`` gives a list for each sentence of the report, labels and the places that belong to them.
MethodLabel "Physician" means that a person read the report, "RNN_model" that software did. Reports are never read.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from fulfillment.labels.formats.gather import Gathering, Member
from fulfillment.labels.formats.model import Entry, ImageRef, Problem, Written, extras
from fulfillment.labels.formats.tabular import CellProblem, Row, identity, need, read_table, told, write_table
from requests_app.taxonomy import LabelState, Taxonomy

IMAGE = {"ImageID": ("imageid", "image_id")}
LABELS = {"Labels": ("labels",)}
_SENTENCES = ("labelslocalizationsbysentence", "labelslocalizations")
_METHODS = {"physician": "report_read", "rnn_model": "report_nlp"}
_BACK = {"report_read": "Physician", "report_nlp": "RNN_model"}
# Words of PadChest that say something of the reading and not of the chest.
_REMARKS = {"exclude", "unchanged", "suboptimal study"}
MAX_ITEMS = 500
_TOKEN = re.compile(
    r"""\s*(?:(?P<open>\[)|(?P<close>\])|(?P<comma>,)|(?P<nan>nan)"""
    r"""|'(?P<one>(?:[^'\\]|\\.)*)'|"(?P<two>(?:[^"\\]|\\.)*)")""",
    re.DOTALL,
)

_BAD_LIST = CellProblem(
    "LIST_MALFORMED",
    "Labels is not a Python list of texts.",
    "Write it like ['pleural effusion', 'loc right'], each text in quotation marks.",
)


def parse_list(text: str) -> list[list[str]]:
    """The texts of a list, or of a list of lists, a list for each sentence. Raises CellProblem; evaluates nothing."""
    sentences: list[list[str]] = [[]]
    depth, at, ready = 0, 0, True
    text = text.strip()
    while at < len(text):
        token = _TOKEN.match(text, at)
        if token is None:
            raise _BAD_LIST
        at = token.end()
        if token["open"]:
            if not ready or depth >= 2:
                raise _BAD_LIST
            depth += 1
            if depth == 2:
                sentences.append([])
        elif token["close"]:
            depth, ready = depth - 1, False
            if depth < 0 or (depth == 0 and text[at:].strip()):
                raise _BAD_LIST
        elif token["comma"]:
            if ready or depth == 0:
                raise _BAD_LIST
            ready = True
        else:
            if depth == 0 or not ready:
                raise _BAD_LIST
            ready = False
            if token["nan"] is None:
                sentences[-1].append(
                    re.sub(r"\\(.)", r"\1", token["one"] if token["one"] is not None else token["two"]).strip()
                )
        if sum(map(len, sentences)) > MAX_ITEMS or len(sentences) > MAX_ITEMS:
            raise CellProblem(
                "LIST_TOO_LONG", f"The list has more than {MAX_ITEMS} texts.", "Look for a missing bracket."
            )
    if depth != 0:
        raise CellProblem(
            "LIST_CUT_SHORT", "The list is not closed: it ends before its bracket.", "Send the whole cell."
        )
    return [sentence for sentence in sentences if sentence]


def read(member: Member, into: Gathering) -> None:
    """Read one table."""
    table = read_table(member.data, into)
    if table is None or not need(table, into, {**IMAGE, **LABELS}):
        return
    sentences = next((name for name in _SENTENCES if table.has(name)), "")
    for row in table.rows:
        try:
            image = into.image("file", identity(row.text(*IMAGE["ImageID"]), "ImageID"))
            _labels(row, image, sentences, into)
        except CellProblem as problem:
            told(into, row, problem)


def _labels(row: Row, image: ImageRef, column: str, into: Gathering) -> None:
    text = row.text("labels")
    if not text or text == "nan":
        raise CellProblem(
            "FINDINGS_EMPTY", "Labels is empty.", "Write ['normal'] where nothing was found, or leave the row out."
        )
    if not text.startswith("["):
        raise _BAD_LIST
    names = [name for sentence in parse_list(text) for name in sentence]
    places = _places(row.text(column), row, into) if column else {}
    if not places:
        places = _alone(names)
    said = row.text("methodlabel", "method")
    method = _METHODS.get(said.casefold(), said)
    remarks = "; ".join(name for name in names if name in _REMARKS)
    for name in dict.fromkeys(names):
        if name.startswith("loc ") or not name:
            continue
        if name in _REMARKS:
            if name == "exclude":
                into.problem(
                    row.number,
                    "EXCLUDED",
                    "The readers marked the image to be excluded.",
                    "Nothing to do; its labels are kept with that remark.",
                )
            continue
        into.entry(
            image,
            name,
            row=row.number,
            reader=row.text("reader"),
            method=method,
            extra=extras(location="; ".join(places.get(name, ())), remark=remarks),
        )


def _alone(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """Places that stand in the plain list belong to its finding if there is only one."""
    findings = [name for name in names if name and not name.startswith("loc ") and name not in _REMARKS]
    here = tuple(name[4:] for name in names if name.startswith("loc "))
    return {findings[0]: here} if len(findings) == 1 and here else {}


def _places(text: str, row: Row, into: Gathering) -> dict[str, tuple[str, ...]]:
    """The places of each finding, sentence by sentence."""
    if not text or text == "nan":
        return {}
    try:
        sentences = parse_list(text)
    except CellProblem as problem:
        into.problem(
            row.number, problem.code, problem.cause.replace("Labels", "LabelsLocalizationsBySentence"), problem.remedy
        )
        return {}
    places: dict[str, tuple[str, ...]] = {}
    for sentence in sentences:
        here = tuple(name[4:] for name in sentence if name.startswith("loc "))
        for name in sentence:
            if not name.startswith("loc ") and here:
                places[name] = tuple(dict.fromkeys((*places.get(name, ()), *here)))
    return places


def _list(names: Sequence[str]) -> str:
    return "[" + ", ".join("'" + name.replace("\\", "\\\\").replace("'", "\\'") + "'" for name in names) + "]"


def write(entries: Sequence[Entry], taxonomy: Taxonomy) -> Written:
    """A row for each image, reader and method; names in the taxonomy's spelling. What is not present has no place."""
    rows: dict[tuple[ImageRef, str, str], dict[str, tuple[str, ...]]] = {}
    left: list[Problem] = []
    for number, entry in enumerate(entries, start=1):
        if entry.key not in taxonomy or entry.state is not LabelState.PRESENT:
            left.append(
                Problem(number, "STATE_LEFT_OUT", "The table says only what is present.", "Export the portal's table.")
            )
            continue
        if entry.shape is not None:
            left.append(
                Problem(number, "SHAPE_LEFT_OUT", "The table has no place for shapes.", "Export COCO or SEG too.")
            )
        places = tuple(place for place in entry.note("location").split("; ") if place)
        names = rows.setdefault((entry.image, entry.reader, entry.method), {})
        name = taxonomy[entry.key].name
        names[name] = tuple(dict.fromkeys((*names.get(name, ()), *places)))
    table: list[list[object]] = [
        [
            image.value,
            _list([part for name, places in names.items() for part in (name, *(f"loc {place}" for place in places))]),
            "["
            + ", ".join(_list([name, *(f"loc {place}" for place in places)]) for name, places in names.items())
            + "]",
            _BACK.get(method, method),
            reader,
        ]
        for (image, reader, method), names in rows.items()
    ]
    header = ["ImageID", "Labels", "LabelsLocalizationsBySentence", "MethodLabel", "Reader"]
    return Written({"padchest.csv": write_table(header, table)}, tuple(left))
