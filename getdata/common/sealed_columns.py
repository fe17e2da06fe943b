"""Which columns hold sealed values, and for which scope each row's was sealed: what a change of the master key has to seal anew.

Apps register theirs when they are ready; ``tests/trust/test_rotation.py`` fails for a sealed column that nobody registered.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db import models

from getdata.common import crypto

_registered: list[SealedColumn] = []
#: Sealed values that are no column of their own: name -> what seals them anew.
_others: dict[str, Callable[[], Counts]] = {}
_AT_ONCE = 500


@dataclass(frozen=True)
class SealedColumn:
    """``scope_of`` gives a row's scope; ``related`` is what it needs of other tables."""

    model: str
    column: str
    scope_of: Callable[[Any], str]
    related: tuple[str, ...] = ()


@dataclass
class Counts:
    """Rows by what became of them. ``changed``: written by somebody else meanwhile, which the next run looks at."""

    anew: int = 0
    already: int = 0
    changed: int = 0
    unopened: int = 0


def register(*columns: SealedColumn) -> None:
    """Called by an app when it is ready; calling it twice does no harm."""
    _registered.extend(column for column in columns if column not in _registered)


def register_other(name: str, seal_them_anew: Callable[[], Counts]) -> None:
    """For sealed values inside other values."""
    _others[name] = seal_them_anew


def others() -> dict[str, Callable[[], Counts]]:
    """All of these, by name."""
    return dict(_others)


def registered() -> list[SealedColumn]:
    """All of them, in the order in which apps became ready."""
    return list(_registered)


def seal_anew(column: SealedColumn, *, always: bool = False) -> Counts:
    """Seal under the present master key whatever an older one sealed, or everything.

    Row by row by compare-and-swap on the sealed bytes: it can be stopped and begun again at any place, and a worker that writes the
    same row at the same moment wins.
    """
    model: type[models.Model] = apps.get_model(column.model)
    counts = Counts()
    for row in _rows(model, column):
        old, scope = bytes(getattr(row, column.column)), column.scope_of(row)
        try:
            new = (
                crypto.seal(crypto.unseal(old, scope=scope), scope=scope)
                if always
                else crypto.resealed(old, scope=scope)
            )
        except crypto.CannotOpen:
            counts.unopened += 1
            continue
        if new is None:
            counts.already += 1
        elif model._base_manager.filter(**{"pk": row.pk, column.column: old}).update(**{column.column: new}):
            counts.anew += 1
        else:
            counts.changed += 1
    return counts


def _rows(model: type[models.Model], column: SealedColumn) -> Iterator[models.Model]:
    """All rows with a value, page by page by primary key: no cursor stays open while rows are written."""
    rows = model._base_manager.exclude(**{column.column: b""}).select_related(*column.related).order_by("pk")
    last: Any = None
    while page := list((rows if last is None else rows.filter(pk__gt=last))[:_AT_ONCE]):
        yield from page
        last = page[-1].pk
