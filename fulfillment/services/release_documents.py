"""The documents and tables of a release: made in the build's folder, then written into the package before its images."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

from fulfillment.models import Release
from fulfillment.release import (
    Entry,
    Extras,
    PackageFacts,
    ReleasedImage,
    describe,
    documents,
    write_changes,
    write_clusters,
)
from fulfillment.services.certificates import release_certificates
from fulfillment.services.release_facts import changes_since, duplicate_clusters, images_of, load_mask
from fulfillment.services.release_reports import report_table


def document_entries(release: Release, facts: PackageFacts, folder: Path, alive: Callable[[], None]) -> Iterator[Entry]:
    """Every document in the order of the package; ``alive`` is called while they are made."""
    survey, tables = describe(folder, facts, _passing(release, alive), load_mask)
    version, changed = changes_since(release, tables["metadata/labels.csv"])
    alive()
    groups = duplicate_clusters(release)
    files: dict[str, Path | bytes] = {
        **release_certificates(release),
        "metadata/changes.csv": write_changes(folder, changed()),
        "splits/duplicates.csv": write_clusters(folder, _copies(release, groups, alive)),
    }
    reports = report_table(release, facts.spec, folder)
    if reports is not None:
        files["metadata/reports.csv"] = reports
    alive()
    extras = Extras(files=files, copies=len(groups), reports=reports is not None)
    yield from documents(replace(facts, version=version), survey, tables, extras)


def _passing(release: Release, alive: Callable[[], None]) -> Iterator[ReleasedImage]:
    for _, image in images_of(release):
        alive()
        yield image


def _copies(
    release: Release, groups: dict[str, str], alive: Callable[[], None]
) -> Iterator[tuple[str, str, str, str, str]]:
    if not groups:
        return
    for image in _passing(release, alive):
        if image.image_id in groups:
            yield groups[image.image_id], image.image_id, image.patient_id, image.site, image.path
