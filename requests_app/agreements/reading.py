"""Showing an agreement's text as headings, paragraphs and lists, without changing a word of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_CLAUSE = re.compile(r"^(\d{1,2}\. |Annex [A-Z]: )\S")


@dataclass
class Block:
    """``kind`` is title, heading, paragraph, list or code."""

    kind: str
    text: str = ""
    items: list[str] = field(default_factory=list)
    ident: str = ""


def blocks(text: str) -> Iterator[Block]:
    """The text's parts in order. A heading is a numbered line that stands alone between blank lines."""
    for index, part in enumerate(re.split(r"\n\s*\n", text.strip())):
        rows = part.splitlines()
        if index == 0:
            yield Block("title", text=part)
        elif len(rows) == 1 and _CLAUSE.match(part):
            yield Block(
                "heading", text=part, ident="clause-" + part.split(".")[0].split(":")[0].lower().replace(" ", "-")
            )
        elif len(rows) == 1 and part.startswith("{"):
            yield Block("code", text=part)
        elif all(row.startswith("- ") for row in rows):
            yield Block("list", items=[row[2:] for row in rows])
        else:
            yield Block("paragraph", text=" ".join(rows))
