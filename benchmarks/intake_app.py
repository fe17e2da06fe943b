"""The portal's application with one address more: ``/raw`` takes a body to disk and does nothing else. For bench_intake alone."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from getdata.wsgi import application as portal

_PLACE = Path(os.environ["GETDATA_VAR"]) / "raw"
_BLOCK = 256 * 1024


def application(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """What the server can do at best with a body: read it, write it, sync it."""
    if environ.get("PATH_INFO") != "/raw":
        return portal(environ, start_response)
    _PLACE.mkdir(parents=True, exist_ok=True)
    path = _PLACE / str(uuid.uuid4())
    with path.open("wb", buffering=0) as out:
        while block := environ["wsgi.input"].read(_BLOCK):
            out.write(block)
        os.fsync(out.fileno())
    path.unlink()
    start_response("204 No Content", [])
    return [b""]
