"""The documents and tables of a release: made in the build's folder, then written into the package before its images."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

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
from fulfillment.release.tables import Column, Table
from fulfillment.services.certificates import release_certificates
from fulfillment.services.release_facts import changes_since, duplicate_clusters, images_of, load_mask
from fulfillment.services.release_reports import report_table

logger = logging.getLogger("getdata.releases")


def document_entries(release: Release, facts: PackageFacts, folder: Path, alive: Callable[[], None]) -> Iterator[Entry]:
    """Every document in the order of the package; ``alive`` is called while they are made."""
    seen: list[_Seen] = []  # a few short texts an image, so that the images are read from the database once
    survey, tables = describe(folder, facts, _passing(release, seen, alive), load_mask)
    version, changed = changes_since(release, tables["metadata/labels.csv"])
    alive()
    groups = duplicate_clusters(release)
    alive()
    splits, why = _splits(seen, groups, folder)
    audited, raised = _audit(release, alive)
    files: dict[str, Path | bytes] = {
        **release_certificates(release),
        **audited,
        "metadata/changes.csv": write_changes(folder, changed()),
        "splits/leave_one_site_out.csv": splits,
        "splits/README.md": _about_splits(why).encode(),
        "splits/duplicates.csv": write_clusters(folder, _copies(seen, groups)),
    }
    reports = report_table(release, facts.spec, folder)
    if reports is not None:
        files["metadata/reports.csv"] = reports
    alive()
    extras = Extras(files=files, audit=raised, copies=len(groups), reports=reports is not None)
    yield from documents(replace(facts, version=version), survey, tables, extras)


def _audit(release: Release, alive: Callable[[], None]) -> tuple[dict[str, bytes], list[str] | None]:
    """The audit's files, and what it raised in lines. A figure that cannot be computed is no reason to hold a release back: its card
    then says that it was not audited."""
    from fulfillment.services.audits import audit_files, audit_release, concerns  # statistics, for the worker alone

    try:
        result = audit_release(release, alive=alive)
    except (ArithmeticError, LookupError, TypeError, ValueError):
        logger.exception("release.audit_broke", extra={"release": str(release.pk)})
        return {}, None
    return dict(audit_files(result)), concerns(result)


class _Seen(NamedTuple):
    image: str
    patient: str
    site: str
    path: str


def _passing(release: Release, seen: list[_Seen], alive: Callable[[], None]) -> Iterator[ReleasedImage]:
    for _, image in images_of(release):
        alive()
        seen.append(_Seen(image.image_id, image.patient_id, image.site, image.path))
        yield image


def _splits(seen: Sequence[_Seen], groups: dict[str, str], folder: Path) -> tuple[Path, str]:
    """The folds as a table, and why there are none where there are none."""
    # Not at the head: the audits bring scikit-learn, which only a worker needs.
    from fulfillment.audits.splits import COLUMNS, Item, leave_one_site_out, rows_of

    items = [
        # Pseudonyms are a hospital's own: two hospitals' could be the same.
        Item(
            one.image,
            f"{one.site} {one.patient}" if one.patient else "",
            one.site,
            (groups[one.image],) if one.image in groups else (),
        )
        for one in seen
    ]
    splits = leave_one_site_out(items)
    with Table(folder, "leave_one_site_out", [Column(name) for name in COLUMNS], parquet=False) as out:
        for row in rows_of(splits, items):
            out.add(dict(zip(COLUMNS, row, strict=True)))
    return out.csv, splits.why


def _about_splits(why: str) -> str:
    folds = (
        f"There are no folds: {why}."
        if why
        else "A row an image and fold: `role` is train, test or left_out. Each fold tests on one site and trains on the others."
    )
    return (
        f"# Splits\n\n`leave_one_site_out.csv`: {folds} An image is left out of training when its patient, or a picture it is a copy "
        "of, has an image at the tested site.\n\n`duplicates.csv`: groups of pictures that are copies of each other, found by "
        "fingerprint and confirmed by a second look. Keep a group on one side of every split of your own.\n"
    )


def _copies(seen: Sequence[_Seen], groups: dict[str, str]) -> Iterator[tuple[str, str, str, str, str]]:
    for one in seen:
        if one.image in groups:
            yield groups[one.image], one.image, one.patient, one.site, one.path
