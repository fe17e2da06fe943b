"""The audit of a release: its images' facts, labels, copies and pictures, read once and judged by ``fulfillment.audits``."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.db import transaction

from fulfillment.audits import AUDIT_VERSION, Picture, audit, picture_in_png, render_html
from fulfillment.conformance import ImageFacts
from fulfillment.labels.methods import read_method
from fulfillment.labels.statement import Statement
from fulfillment.models import AuditResult, Release
from fulfillment.release import ReleasedImage, as_png
from fulfillment.services.release_facts import duplicate_clusters, images_of
from getdata.audit.chain import record
from getdata.common import storage
from requests_app.spec import DatasetSpec, ImageFormat
from requests_app.taxonomy import LabelState

#: A shortcut in the pixels shows in these; more would take long and move no verdict.
MOST_PICTURES = 1500
#: Columns of the facts that say how an image was taken, beside those that every table of images has.
_FURTHER = (
    "position",
    "portable",
    "kvp",
    "exposure_index",
    "bits_stored",
    "photometric",
    "lossy",
    "acquisition_year",
    "spacing_source",
)
Alive = Callable[[], None]


@dataclass
class _Read:
    images: list[dict[str, Any]] = field(default_factory=list)
    facts: list[ImageFacts] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)
    stored: dict[str, tuple[str, str]] = field(default_factory=dict)


def audit_release(release: Release, *, alive: Alive = lambda: None) -> AuditResult:
    """The audit of a release by this version of the algorithm; made if there is none yet. ``alive`` is called while it is made.

    Pictures are opened one at a time and only a few numbers of each are kept. Sites are codes; no identifier of a patient is in
    the document.
    """
    made = release.audits.filter(version=AUDIT_VERSION).first()
    if made is not None:
        return made
    version = release.request.current_version
    assert version is not None  # a request with accepted images was opened
    read = _read(release, alive)
    copies = duplicate_clusters(release)
    document = audit(
        read.images,
        read.labels,
        pictures=_pictures(read.stored, alive),
        duplicates=[{"image_id": image, "cluster": cluster} for image, cluster in copies.items()],
        spec=DatasetSpec.model_validate(version.document),
        facts=read.facts,
        progress=lambda stage, done, of: alive(),
    )
    with transaction.atomic():
        result, new = AuditResult.objects.get_or_create(
            release=release, version=AUDIT_VERSION, defaults={"verdict": document["verdict"], "document": document}
        )
        if new:
            data = {"version": AUDIT_VERSION, "verdict": result.verdict, **result.counts}
            result.refresh_from_db()  # as it will be read when the package is built again
            record(verb="release.audited", target=release, organization_id=release.request.organization_id, data=data)
    return result


def concerns(result: AuditResult) -> list[str]:
    """What the audit found red or amber, a line each, for cards and data sheets."""
    return [
        f"{test['finding']} goes with {test['title'].lower()}: {'V' if test['kind'] == 'association' else 'AUC'} {test['value']:.2f} "
        f"(95 % interval {test['ci'][0]:.2f} to {test['ci'][1]:.2f}; {test['patients']:,} patients): {test['verdict']}"
        for test in result.document["tests"]
        if test["verdict"] in ("red", "amber")
    ]


def _read(release: Release, alive: Alive) -> _Read:
    """The release's images and labels as the package says them, and where each picture lies: preview and instance."""
    read = _Read()
    for item, released in images_of(release):
        alive()
        known, site, name = ImageFacts.from_dict(released.facts), released.site, released.image_id
        read.facts.append(known.with_context(site=site, statements=statements_of(released)))
        read.stored[name] = (item.image.preview, item.image.stored)
        read.images.append(
            {
                "image_id": name,
                # Pseudonyms are a hospital's own: two hospitals' could be the same.
                "patient_id": f"{site} {released.patient_id}" if released.patient_id else "",
                "site": site,
                "vendor": known.vendor or known.manufacturer,
                "model": known.model,
                "view": known.view,
                "sex": known.sex,
                "age": known.age_years,
                **{further: getattr(known, further) for further in _FURTHER},
            }
        )
        read.labels += [
            {"image_id": name, "finding": one.finding, "state": one.state, "source": one.source, "reader": one.reader}
            for one in released.labels
        ]
    return read


def statements_of(released: ReleasedImage) -> dict[str, list[Statement]]:
    """What was said of each finding, in the form that quotas are counted from."""
    said: dict[str, list[Statement]] = {}
    for one in released.labels:
        method, readers = read_method(one.source)
        said.setdefault(one.finding, []).append(
            Statement(
                LabelState(one.state),
                method,
                one.reader,
                one.readers or readers,
                one.board_certified,
                one.blind_to_report,
                one.adjudication,
                one.is_consensus,
                shapes=frozenset(mark.kind for mark in one.marks),
            )
        )
    return said


def _pictures(stored: dict[str, tuple[str, str]], alive: Alive) -> dict[str, Picture]:
    """Parts of the released pictures, or of some drawn at random where there are many: the same for the same release."""
    chosen = sorted(stored)
    if len(chosen) > MOST_PICTURES:
        chosen = random.Random(0).sample(chosen, MOST_PICTURES)  # noqa: S311 (a sample, no secret)
    found: dict[str, Picture] = {}
    for name in chosen:
        alive()
        picture = _picture(*stored[name])
        if picture is not None:
            found[name] = picture
    return found


def _picture(preview: str, instance: str) -> Picture | None:
    """From the preview, which is the released picture made small; from the instance where there is none that can be used."""
    previews, released = storage.previews(), storage.released()
    if preview and previews.exists(preview):
        picture = picture_in_png(storage.get(previews, preview))
        if picture is not None:
            return picture
    if not instance or not released.exists(instance):
        return None  # taken away since: the audit says how many pictures it read
    try:
        return picture_in_png(as_png(storage.get(released, instance), ImageFormat.PNG8))
    except Exception:  # decoders raise anything; the audit says how many pictures it read
        return None


def audit_files(result: AuditResult) -> dict[str, bytes]:
    """Path below ``data/`` of a package -> bytes: the figures, and the page that stands alone."""
    figures = json.dumps(result.document, indent=1, ensure_ascii=False, sort_keys=True) + "\n"
    return {"audit/audit.json": figures.encode(), "audit/audit.html": render_html(result.document).encode()}
