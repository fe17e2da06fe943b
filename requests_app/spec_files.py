"""The name under which a specification is downloaded, and by which commands on pages call it."""

from __future__ import annotations

from requests_app.models import DatasetRequest


def spec_file_name(item: DatasetRequest, number: int) -> str:
    return f"{item.slug}-v{number}.json"
