"""States: every change of one is a conditional UPDATE plus an audit event, in one transaction.

A model with states declares ``Status`` (TextChoices), ``TRANSITIONS`` (status -> statuses that may follow) and a
``CheckConstraint`` from :func:`status_constraint`. Nothing else may write the ``status`` column of an existing row;
``tests/test_conventions.py`` looks for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from django.db import models, transaction

from getdata.audit.chain import record

M = TypeVar("M", bound=models.Model)


class StaleState(Exception):
    """The row is no longer in the state the caller saw: somebody else was faster, or the page was old."""

    def __init__(self, model: type[models.Model], source: str, target: str) -> None:
        self.source, self.target = source, target
        name = model._meta.verbose_name
        super().__init__(
            f"This {name} is no longer {source.replace('_', ' ')}. Reload the page to see where it stands."
        )


class IllegalTransition(ValueError):
    """A bug in the caller: TRANSITIONS has no such move."""


def status_constraint(model_name: str, choices: type[models.TextChoices]) -> models.CheckConstraint:
    """The database itself refuses a status that the model does not know."""
    return models.CheckConstraint(condition=models.Q(status__in=choices.values), name=f"{model_name}_status_known")


def transition(
    model: type[M],
    pk: object,
    source: str,
    target: str,
    *,
    actor: Any,
    changes: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
    where: Mapping[str, Any] | None = None,
) -> M:
    """Move one row from ``source`` to ``target`` by compare-and-swap and record it.

    ``changes`` are further columns set by the same UPDATE, ``where`` further conditions of it (a lease token, say).
    ``data`` goes to the audit event (plain, safe values).
    Raises ``IllegalTransition`` for a move that TRANSITIONS does not list and ``StaleState`` when the row is not in ``source``.
    Returns the fresh row.
    """
    allowed: Mapping[str, set[str]] = model.TRANSITIONS  # type: ignore[attr-defined]
    source, target = str(source), str(target)
    if target not in allowed.get(source, set()):
        raise IllegalTransition(f"{model._meta.label}: {source} -> {target} is not a legal move")
    with transaction.atomic():
        moved = model._default_manager.filter(**(where or {}), pk=pk, status=source).update(
            status=target, **(changes or {})
        )
        if moved != 1:
            raise StaleState(model, source, target)
        instance = model._default_manager.get(pk=pk)
        record(
            verb=f"{model._meta.model_name}.{target}",
            target=instance,
            actor=actor,
            organization_id=getattr(instance, "audit_organization_id", "") or "",
            data={"from": source, **(data or {})},
        )
    return instance


def transition_many(
    rows: models.QuerySet[M],
    sources: Sequence[str],
    target: str,
    *,
    actor: Any,
    about: models.Model,
    verb: str,
    changes: Mapping[str, Any] | None = None,
    data: Mapping[str, Any] | None = None,
) -> int:
    """Move every row of ``rows`` that is in one of ``sources`` to ``target``, in one UPDATE with one audit event about ``about``.

    For what a person does to thousands of rows at once. ``rows`` is filtered by columns of its own table. The event carries
    ``count``; nothing is recorded when no row moved. Raises ``IllegalTransition`` when a source does not allow the move.
    Returns how many moved.
    """
    model = rows.model
    allowed: Mapping[str, set[str]] = model.TRANSITIONS  # type: ignore[attr-defined]
    for source in sources:
        if str(target) not in allowed.get(str(source), set()):
            raise IllegalTransition(f"{model._meta.label}: {source} -> {target} is not a legal move")
    with transaction.atomic():
        moved = rows.filter(status__in=[str(source) for source in sources]).update(
            status=str(target), **(changes or {})
        )
        if moved:
            record(
                verb=verb,
                target=about,
                actor=actor,
                organization_id=getattr(about, "audit_organization_id", "") or "",
                data={"count": moved, "to": str(target), **(data or {})},
            )
    return moved
