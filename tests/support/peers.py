"""Programs of others that tests talk to, fetched by ``.ci/peers`` into ``.tools/peers``, never committed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import REQUIRE_ALL

FOLDER = Path(__file__).resolve().parents[2] / ".tools" / "peers"
TUS_JS = "tus-js-client-4.3.1/dist/tus.min.js"


def peer(name: str) -> Path:
    """The file, or a skip with the reason; a failure where everything must be there."""
    path = FOLDER / name
    if not path.is_file():
        reason = f"{name.split('/')[0]} is not here: run .ci/peers"
        if REQUIRE_ALL:
            pytest.fail(f"GETDATA_REQUIRE_ALL=1: {reason}", pytrace=False)
        pytest.skip(reason)
    return path
