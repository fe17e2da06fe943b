"""One JSON object a line. Only fields on the allow-list are written, so that no header value can ride along."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

#: What a log line may carry besides its message: our own keys, codes, counts and durations.
FIELDS = frozenset(
    [
        "task",
        "label_import",
        "published_set",
        "source_file",
        "batch",
        "image",
        "release",
        "organization",
        "request",
        "status",
        "reason",
        "stage",
        "attempts",
        "count",
        "seconds",
        "error",
        "path",
        "method",
        "status_code",
        "code",
        "version",
        "storage",
    ]
)

#: Loggers whose messages hold no data. Others may quote what they read: pydicom's warnings hold header values, and pydicom sets
#: its own level when it is imported, so a level in the settings does not keep it quiet.
TRUSTED = ("getdata", "django", "celery", "kombu", "granian", "_granian")


class JsonFormatter(logging.Formatter):
    """Formats a record; an exception is written as its type and the places in the code, never its message."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": _event(record),
        }
        line.update({key: value for key, value in record.__dict__.items() if key in FIELDS and _plain(value)})
        celery = getattr(record, "data", None)
        if isinstance(celery, dict) and record.name.startswith("celery") and isinstance(celery.get("name"), str):
            line["task"] = celery["name"]
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line, default=lambda value: type(value).__name__)


def _event(record: logging.LogRecord) -> str:
    """The message, as far as it holds no data.

    A library that logs an exception may write the exception's own text into its message (Celery does): then the message
    stays without its arguments. Django names the path of a request it refuses, and a path may be a secret (the link of an
    invitation): the route stands in for it.
    """
    if not record.name.startswith(TRUSTED):
        return "a library's message, withheld"
    request = getattr(record, "request", None)
    path = getattr(request, "path", "")
    if path:
        match = getattr(request, "resolver_match", None)
        return record.getMessage().replace(path, f"/{match.route}" if match else "(no such address)")
    if record.exc_info and not record.name.startswith("getdata"):
        return str(record.msg)
    return record.getMessage()


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _places(record: logging.LogRecord) -> list[str]:
    import traceback

    assert record.exc_info
    frames = traceback.extract_tb(record.exc_info[2])
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}" for frame in frames[-6:]]
