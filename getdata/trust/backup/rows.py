"""The database as lines of JSON that no engine's dump format binds: taken in one snapshot, put back as it was.

A line is ``["app.Model", [value, ...]]`` with the columns that the head line of the model names. Rows come in an order in which what
they point to came before, except where rows point in a circle, which the deferred checks of foreign keys allow.
"""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core.management.color import no_style
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction
from django.db.migrations.recorder import MigrationRecorder

#: Rows that are of no use elsewhere: sessions end with a restore.
LEFT_OUT = frozenset({"sessions.Session"})
_AT_ONCE = 500


class CannotRestore(Exception):
    """The backup does not fit this system; the message says why and what to do."""


@contextmanager
def snapshot() -> Iterator[None]:
    """Everything that is read inside is of one moment, while others go on writing."""
    if connection.in_atomic_block:
        yield
        return
    if connection.vendor == "sqlite":
        # Django would begin IMMEDIATE and keep every writer out; a deferred one reads a snapshot of the write-ahead log.
        with connection.cursor() as cursor:
            cursor.execute("BEGIN DEFERRED")
            try:
                yield
            finally:
                cursor.execute("ROLLBACK")
        return
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield


def dumped_models() -> list[type[models.Model]]:
    """Every model with a table of its own, those that others point to first; tables between two models last."""
    found = [
        model
        for model in apps.get_models(include_auto_created=True)
        if model._meta.managed and not model._meta.proxy and model._meta.label not in LEFT_OUT
    ]
    placed: list[type[models.Model]] = []
    while found:
        ready = [model for model in found if not _points_to(model) & set(found) - {model}]
        # A circle: what is left goes in any fixed order.
        for model in sorted(ready or found, key=lambda model: model._meta.label):
            placed.append(model)
            found.remove(model)
    return placed


def migrations() -> list[str]:
    """The migrations that this database has had, as ``app.name``."""
    return sorted(f"{app}.{name}" for app, name in MigrationRecorder(connection).applied_migrations())


def lines() -> Iterator[bytes]:
    """The whole database. Call it inside :func:`snapshot`."""
    for model in dumped_models():
        fields = _fields(model)
        yield _line([model._meta.label, {"columns": [field.attname for field in fields]}])
        rows = model._base_manager.order_by("pk").values_list(*(field.attname for field in fields))
        for row in rows.iterator(chunk_size=_AT_ONCE):
            yield _line([model._meta.label, [_out(f, v) for f, v in zip(fields, row, strict=True)]])


def require_empty() -> None:
    """Raise ``CannotRestore`` unless nobody has used this database yet."""
    for label in ("accounts.User", "accounts.Organization", "audit.AuditEvent"):
        if apps.get_model(label)._base_manager.exists():
            raise CannotRestore(
                f"This database is not empty: it has rows of {label}. Restore into a new, migrated database: "
                "point DATABASE_URL at an empty one and run manage.py migrate."
            )


def load(source: Iterable[bytes]) -> Counter[str]:
    """Put the rows back, in one transaction, and count them by model. Raises ``CannotRestore``."""
    counts: Counter[str] = Counter()
    known = {model._meta.label: model for model in dumped_models()}
    with transaction.atomic():
        for model in reversed(dumped_models()):  # what migrations put there comes from the backup again
            rows = model._base_manager.all()
            if rows.exists():
                rows._raw_delete("default")  # type: ignore[attr-defined]
        fields: list[models.Field[Any, Any]] = []
        waiting: list[models.Model] = []
        current: type[models.Model] | None = None
        for raw in source:
            label, values = json.loads(raw)
            model_of = known.get(label)
            if model_of is None:
                raise CannotRestore(
                    f"The backup has rows of {label}, which this version does not know. Use its version."
                )
            if isinstance(values, dict):
                _insert(current, fields, waiting)
                current, fields = model_of, _named(model_of, values["columns"])
                continue
            waiting.append(_row(model_of, fields, values))
            counts[label] += 1
            if len(waiting) >= _AT_ONCE:
                _insert(current, fields, waiting)
        _insert(current, fields, waiting)
        with connection.cursor() as cursor:
            for statement in connection.ops.sequence_reset_sql(no_style(), list(known.values())):
                cursor.execute(statement)
    return counts


def _fields(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    return [field for field in model._meta.local_concrete_fields if not field.generated]


def _named(model: type[models.Model], columns: list[str]) -> list[models.Field[Any, Any]]:
    here = {field.attname: field for field in _fields(model)}
    if set(here) != set(columns):
        raise CannotRestore(
            f"{model._meta.label} has other columns here than in the backup. Use the version that made it."
        )
    return [here[name] for name in columns]


def _row(model: type[models.Model], fields: list[models.Field[Any, Any]], values: list[Any]) -> models.Model:
    return model(**{field.attname: _in(field, value) for field, value in zip(fields, values, strict=True)})


def _insert(
    model: type[models.Model] | None, fields: list[models.Field[Any, Any]], waiting: list[models.Model]
) -> None:
    """Raw: a row's time of creation is the one it had, and no signal is sent."""
    if model is None or not waiting:
        return
    size = max(connection.ops.bulk_batch_size(fields, waiting), 1)
    for start in range(0, len(waiting), size):
        rows = model._base_manager.all()
        rows._insert(waiting[start : start + size], fields=fields, using="default", raw=True)  # type: ignore[attr-defined]
    waiting.clear()


def _points_to(model: type[models.Model]) -> set[type[models.Model]]:
    return {
        field.remote_field.model  # type: ignore[misc]
        for field in model._meta.local_concrete_fields
        if field.remote_field is not None
    }


def _out(field: models.Field[Any, Any], value: Any) -> Any:
    if value is not None and isinstance(_target(field), models.BinaryField):
        return base64.b64encode(bytes(value)).decode()
    return value


def _in(field: models.Field[Any, Any], value: Any) -> Any:
    target = _target(field)
    if value is None or isinstance(target, models.JSONField):
        return value
    if isinstance(target, models.BinaryField):
        return base64.b64decode(value)
    return target.to_python(value)


def _target(field: models.Field[Any, Any]) -> models.Field[Any, Any]:
    """The field whose kind of value a column holds: for a foreign key, the key that it points to."""
    while field.remote_field is not None:
        field = field.target_field  # type: ignore[attr-defined]
    return field


class _Exact(DjangoJSONEncoder):
    """As Django's, which cuts microseconds to milliseconds: here none is lost, or the audit log's hashes would not fit."""

    def default(self, o: Any) -> Any:
        if hasattr(o, "isoformat"):
            return o.isoformat()
        return super().default(o)


def _line(value: Any) -> bytes:
    return json.dumps(value, cls=_Exact, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"
