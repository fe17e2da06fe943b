"""Complete, realistic requests: for the demo, the documentation and the tests."""

from __future__ import annotations

import json
from datetime import date, timedelta
from importlib import resources

from requests_app.spec.document import DatasetSpec
from requests_app.spec.vocabulary import Category

# The deadlines in the files count from this day; `today` moves them all along.
REFERENCE_DAY = date(2026, 12, 1)


def example_specs(*, today: date | None = None) -> dict[str, DatasetSpec]:
    """The examples by short name, in the order of their file names.

    With `today`, deadlines keep their distance from it, so that a demonstration never shows a lapsed one.
    """
    return _read("data", today)


def template_specs(*, today: date | None = None) -> dict[str, DatasetSpec]:
    """Requests to start from, by short name: the examples, and more use cases of the radiograph.

    Each is complete but for what only its author can say, such as the ethics approval.
    """
    found = {**_read("data", today), **_read("data/templates", today)}
    return dict(sorted(found.items(), key=lambda item: (_ORDER.index(item[1].category), item[0])))


_ORDER = [Category.CXR, Category.CT, Category.CARDIAC]


def _read(folder_name: str, today: date | None) -> dict[str, DatasetSpec]:
    folder = resources.files("requests_app.spec").joinpath(folder_name)
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
