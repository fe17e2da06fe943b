"""The conformance statement, attribute by attribute: what becomes of each row of Table E.1-1 under each shipped policy.

`python -m deid.headers.statement > docs/deid-attributes.md` writes it; a test holds the page against the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from deid.dicomfile.element import standard_vr
from deid.headers.decide import decide
from deid.headers.required import CR
from deid.policy import load_policy, shipped_policies
from deid.profile.table import EDITION, TableRow, table_rows

_DX = "1.2.840.10008.5.1.4.1.1.1.1"
_WORDS = {
    "remove": "removed",
    "empty": "emptied",
    "dummy": "dummy value",
    "uid": "new UID",
    "text": "cleaned",
    "device": "cleaned",
    "recurse": "items by the same rules",
    "patient-name": "pseudonym",
    "patient-id": "pseudonym",
    "accession": "pseudonym",
    "study-id": "pseudonym",
    "age": "kept, capped",
    "value": "kept when valid",
    "private": "safe private list only",
    "pixels": "examined, masked",
}
_TIMES = {"shift": "kept", "year": "emptied", "keep": "kept"}
_DATES = {"shift": "shifted", "year": "year only", "keep": "kept"}


def attribute_rows() -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """(tag, keyword, the Basic Profile's action, outcome by policy) for each row, in the table's order.

    The outcome is that at the top level of CR and DX objects; where the two differ, both are told.
    """
    policies = {name: load_policy(name) for name in shipped_policies()}
    for row in table_rows():
        outcome = {}
        for name, policy in policies.items():
            found = [_word(row, decide(_example(row), policy, sop, top=True), policy.date_mode) for sop in (CR, _DX)]
            outcome[name] = found[0] if found[0] == found[1] else f"{found[0]} (DX: {found[1]})"
        yield row.tag, row.keyword, row.basic, outcome


def _word(row: TableRow, action: str, date_mode: str) -> str:
    if row.tag.startswith("0002"):
        return "made afresh"
    if action != "date":
        return _WORDS[action]
    return _TIMES[date_mode] if standard_vr(_example(row)) == "TM" else _DATES[date_mode]


def _example(row: TableRow) -> int:
    """A tag that the row stands for: of repeating groups the first."""
    return int(row.tag.replace("X", "0"), 16)


def page() -> str:
    """The statement as Markdown."""
    names = shipped_policies()
    lines = [
        f"# De-identification, attribute by attribute ({EDITION})",
        "",
        "Made by `python -m deid.headers.statement`; do not edit. What becomes of each attribute of PS3.15 Table E.1-1 at the",
        "top level of a CR or DX object. Inside sequences the same rules hold, but pseudonyms are emptied and nothing is",
        "required. Attributes that the table does not name are allowed by kind (see [deid.md](deid.md), Class by class).",
        "Basic Profile: X removed, Z emptied, D dummy, U new UID, K kept, C cleaned.",
        "",
        f"| tag | keyword | basic | {' | '.join(names)} |",
        "|---|---|---|" + "---|" * len(names),
    ]
    for tag, keyword, basic, outcome in attribute_rows():
        lines.append(
            f"| {tag[:4]},{tag[4:]} | {keyword} | {basic} | " + " | ".join(outcome[name] for name in names) + " |"
        )
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(page())
