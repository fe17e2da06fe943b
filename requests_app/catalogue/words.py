"""The full-text index over listed requests: a generated ``tsvector`` with GIN on PostgreSQL, FTS5 with triggers on SQLite.

Both are kept by the database itself, so the index cannot fall behind the rows. Titles weigh most, then findings with their aliases
("PTX" finds pneumothorax), then purpose and organization. All words of a search must occur; the last one may be a beginning,
because it is still being typed.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models.expressions import RawSQL
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

MAX_WORDS = 10
#: Weights of PostgreSQL's classes D, C (body), B (findings) and A (title); FTS5's columns have the same proportion below.
_PG_WEIGHTS = "{0.1,0.15,0.5,1.0}"
_START, _STOP = "\x02", "\x03"
#: Words that English sentences are full of: a search means the others. (PostgreSQL's dictionary drops its own list too.)
_EVERYWHERE = (
    "a an and are as at be by for from has have in into is it its of on or our that the their this to we with who"
)
_SILENT = frozenset(_EVERYWHERE.split())
_WORD = re.compile(r"[^\W_]+")


def install(connection: BaseDatabaseWrapper) -> None:
    """Create the index for this vendor. On SQLite, call it again after a migration that rebuilds the table: triggers go with it."""
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL_UP if connection.vendor == "postgresql" else _SQLITE_UP:
            cursor.execute(statement)


def remove(connection: BaseDatabaseWrapper) -> None:
    """Drop it: for reversing the migration."""
    with connection.cursor() as cursor:
        for statement in _POSTGRESQL_DOWN if connection.vendor == "postgresql" else _SQLITE_DOWN:
            cursor.execute(statement)


def _pg_part(column: str, weight: str) -> str:
    # A hyphenated word is searched by its parts, as FTS5 does; PostgreSQL's parser would take "-19" for a number.
    return f"setweight(to_tsvector('english'::regconfig, translate({column}, '-/_', '   ')), '{weight}')"


_POSTGRESQL_UP = (
    "ALTER TABLE requests_app_requestlisting ADD COLUMN words tsvector GENERATED ALWAYS AS ("
    f"{_pg_part('title', 'A')} || {_pg_part('findings', 'B')} || {_pg_part('body', 'C')}) STORED",
    "CREATE INDEX requests_app_requestlisting_words ON requests_app_requestlisting USING gin (words)",
)
_POSTGRESQL_DOWN = ("ALTER TABLE requests_app_requestlisting DROP COLUMN IF EXISTS words",)

_INTO = "INSERT INTO listing_fts(rowid, title, findings, body) VALUES (new.number, new.title, new.findings, new.body);"
_OUT = (
    "INSERT INTO listing_fts(listing_fts, rowid, title, findings, body) "
    "VALUES ('delete', old.number, old.title, old.findings, old.body);"
)
_SQLITE_DOWN = (
    *(f"DROP TRIGGER IF EXISTS listing_fts_{event}" for event in ("insert", "update", "delete")),
    "DROP TABLE IF EXISTS listing_fts",
)
_SQLITE_UP = (
    *_SQLITE_DOWN,
    "CREATE VIRTUAL TABLE listing_fts USING fts5(title, findings, body, "
    "content='requests_app_requestlisting', content_rowid='number', tokenize='porter unicode61 remove_diacritics 2', prefix='3')",
    f"CREATE TRIGGER listing_fts_insert AFTER INSERT ON requests_app_requestlisting BEGIN {_INTO} END",
    f"CREATE TRIGGER listing_fts_delete AFTER DELETE ON requests_app_requestlisting BEGIN {_OUT} END",
    f"CREATE TRIGGER listing_fts_update AFTER UPDATE OF title, findings, body ON requests_app_requestlisting "
    f"BEGIN {_OUT} {_INTO} END",
    "INSERT INTO listing_fts(listing_fts) VALUES ('rebuild')",
)


# --- what is asked ---------------------------------------------------------------------------------------------------


def tokens(text: str) -> list[str]:
    """The words that a search looks for, in lower case, at most ten; empty when there are none."""
    found = [word for word in _WORD.findall(text.casefold()) if word not in _SILENT]
    return list(dict.fromkeys(found))[:MAX_WORDS]


def without_accents(text: str) -> str:
    """``Universität`` as ``Universitat``: added to the text where it differs, because not every keyboard has the letter."""
    return "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))


def _question(words: list[str]) -> str:
    """The words in the vendor's query language. They are letters and digits only, so nothing in them is an operator."""
    if connection.vendor == "postgresql":
        last = f"'{words[-1]}':*" if len(words[-1]) > 2 else f"'{words[-1]}'"
        return " & ".join([*(f"'{word}'" for word in words[:-1]), last])
    return " ".join([f'"{word}"' for word in words[:-1]] + [f'"{words[-1]}"' + ("*" if len(words[-1]) > 2 else "")])


@dataclass(frozen=True)
class Hits:
    """Listings that hold every word, by number, each with its rank (more is better)."""

    numbers: np.ndarray
    ranks: np.ndarray


def search(text: str) -> Hits | None:
    """Every listing that fits the text; None when the text has no word to look for. One statement."""
    words = tokens(text)
    if not words:
        return None
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            # All numbers and ranks as one value: a hundred thousand rows would cost more to fetch than to find.
            cursor.execute(_PG_SEARCH, [_PG_WEIGHTS, _question(words)])
            numbers, ranks = cursor.fetchone()
            return Hits(
                np.frombuffer(numbers or b"", ">i4").astype(np.int64), np.frombuffer(ranks or b"", ">f4").astype(float)
            )
        cursor.execute(_SQLITE_SEARCH, [_question(words)])
        rows = cursor.fetchall()
    return Hits(
        np.fromiter((row[0] for row in rows), np.int64, len(rows)),
        np.fromiter((-row[1] for row in rows), float, len(rows)),
    )


_PG_SEARCH = (
    "SELECT string_agg(int4send(number::int), ''), string_agg(float4send(ts_rank(%s, words, asked)), '') "
    "FROM requests_app_requestlisting, to_tsquery('english', %s) AS asked WHERE words @@ asked"
)
_SQLITE_SEARCH = "SELECT rowid, bm25(listing_fts, 10.0, 5.0, 1.5) FROM listing_fts WHERE listing_fts MATCH %s"


def matching(text: str) -> RawSQL | None:
    """The numbers of listings that fit, as a subquery for ``number__in``; None when there is no word to look for."""
    words = tokens(text)
    if not words:
        return None
    if connection.vendor == "postgresql":
        return RawSQL(
            "SELECT number FROM requests_app_requestlisting WHERE words @@ to_tsquery('english', %s)",
            [_question(words)],
        )
    return RawSQL("SELECT rowid FROM listing_fts WHERE listing_fts MATCH %s", [_question(words)])


# --- what is shown ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Shown:
    """A result's text with what was searched marked: its title, and a passage where the title alone does not say why."""

    title: SafeString
    passage: SafeString


def highlights(text: str, numbers: Iterable[int]) -> dict[int, Shown]:
    """Titles and passages of a page of results, with the words that were found in ``<mark>``. One statement."""
    words, wanted = tokens(text), [int(number) for number in numbers]
    if not words or not wanted:
        return {}
    places = ", ".join(["%s"] * len(wanted))
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute(_PG_MARKED.format(places=places), [_WHOLE, _PIECE, _PIECE, _question(words), *wanted])
        else:
            cursor.execute(_SQLITE_MARKED.format(places=places), [*_MARKS * 3, _question(words), *wanted])
        rows = cursor.fetchall()
    return {number: _shown(title, findings, body) for number, title, findings, body in rows}


_MARKS = [_START, _STOP]
_WHOLE = f"HighlightAll=true, StartSel={_START}, StopSel={_STOP}"
_PIECE = f"MaxFragments=1, MinWords=6, MaxWords=20, StartSel={_START}, StopSel={_STOP}"
_PG_MARKED = (
    "SELECT number, ts_headline('english', title, asked, %s), ts_headline('english', findings, asked, %s), "
    "ts_headline('english', body, asked, %s) FROM requests_app_requestlisting, to_tsquery('english', %s) AS asked "
    "WHERE number IN ({places})"
)
_SQLITE_MARKED = (
    "SELECT rowid, highlight(listing_fts, 0, %s, %s), snippet(listing_fts, 1, %s, %s, '', 16), "
    "snippet(listing_fts, 2, %s, %s, '', 20) "
    "FROM listing_fts WHERE listing_fts MATCH %s AND rowid IN ({places})"
)


def _shown(title: str, findings: str, body: str) -> Shown:
    piece = ""
    if _START not in title:
        piece = next((part for part in (findings, body) if part and _START in part), "")
    return Shown(_marked(title), _marked(" ".join(piece.split())))


def _marked(text: str) -> SafeString:
    safe = str(escape(text)).replace(_START, "<mark>").replace(_STOP, "</mark>")
    return mark_safe(safe)  # noqa: S308 - escaped above; the marks are ours
