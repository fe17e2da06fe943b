"""Complete, realistic requests: for the demo, the documentation and the tests."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib import resources

from requests_app.spec.document import DatasetSpec

# The deadlines in the files count from this day; `today` moves them all along.
REFERENCE_DAY = date(2026, 12, 1)


def example_specs(*, today: date | None = None) -> dict[str, DatasetSpec]:
    """The examples by short name, in the order of their file names.

    With `today`, deadlines keep their distance from it, so that a demonstration never shows a lapsed one.
    """
    folder = resources.files("requests_app.spec").joinpath("data")
    found: dict[str, DatasetSpec] = {}
    for item in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if not item.name.endswith(".json"):
            continue
        spec = DatasetSpec.model_validate(json.loads(item.read_text("utf-8")))
        if today is not None and spec.delivery.deadline is not None:
            moved: date = today + timedelta(days=(spec.delivery.deadline - REFERENCE_DAY).days)
            spec = spec.model_copy(update={"delivery": spec.delivery.model_copy(update={"deadline": moved})})
        found[item.name.removesuffix(".json")] = spec
    return found
