"""Mistakes that a template engine keeps quiet about."""

from __future__ import annotations

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path
    for folder in ("templates", "getdata", "requests_app", "fulfillment")
    for path in (ROOT / folder).rglob("*.html")
)
_TAG = re.compile(r"{%.*?%}|{{.*?}}", re.DOTALL)


def out_of_reach(text: str) -> list[str]:
    """Names that one block sets (``as NAME``) and a block beside it reads: there they are empty, and nothing says so."""
    inside: list[str] = []
    made: dict[str, set[str]] = defaultdict(set)
    read: list[tuple[str, str]] = []
    for tag in _TAG.findall(text):
        if opened := re.match(r"{%\s*block\s+(\w+)", tag):
            inside.append(opened.group(1))
        elif re.match(r"{%\s*endblock", tag):
            inside.pop()
        else:
            place = "/".join(inside) + "/"
            if setting := re.search(r"\sas\s+(\w+)\s*%}$", tag):
                made[setting.group(1)].add(place)
            read += [(name, place) for name in re.findall(r"\b[a-z]\w*\b", re.sub(r"\"[^\"]*\"|\sas\s+\w+", "", tag))]
    return sorted(
        {name for name, place in read if name in made and not any(place.startswith(home) for home in made[name])}
    )


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_block_reads_no_name_that_only_another_block_sets(path: Path) -> None:
    assert out_of_reach(path.read_text()) == []


def test_such_a_name_would_be_found() -> None:
    text = '{% block a %}{% url "home" as here %}{{ here }}{% endblock %}{% block b %}<a href="{{ here }}">x</a>{% endblock %}'
    assert out_of_reach(text) == ["here"]
