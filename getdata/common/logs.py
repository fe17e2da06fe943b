"""One JSON object a line. Only fields on the allow-list are written, so that no header value can ride along."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

#: What a log line may carry besides its message: our own keys, codes, counts and durations.
FIELDS = frozenset(
    [
        "task",
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
            "event": record.getMessage() if record.name.startswith(TRUSTED) else "a library's message, withheld",
        }
        line.update({key: value for key, value in record.__dict__.items() if key in FIELDS and _plain(value)})
        if record.exc_info and record.exc_info[0]:
            line["error"] = record.exc_info[0].__name__
            line["where"] = _places(record)
        return json.dumps(line, default=lambda value: type(value).__name__)


def _plain(value: object) -> bool:
    return isinstance(value, str | int | float | bool)


def _places(record: logging.LogRecord) -> list[str]:
    import traceback

    assert record.exc_info
    frames = traceback.extract_tb(record.exc_info[2])
    return [f"{frame.filename.rsplit('/', 1)[-1]}:{frame.lineno}:{frame.name}" for frame in frames[-6:]]
