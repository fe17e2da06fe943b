"""The check at home and the server's pipeline give the same files the same verdict: codes, severities, scores, quota cells."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fulfillment import ledger
from fulfillment.batch_quality import BatchQuality
from fulfillment.conformance import fill_quotas
from fulfillment.intake.originals import name_of
from fulfillment.kit.outcome import Outcome
from fulfillment.kit.run import Check, run_check
from fulfillment.kit.state import State
from fulfillment.meter import facts_of
from fulfillment.models import Batch, Image, SourceFile
from fulfillment.services.batches import batch_findings
from requests_app.spec import spec_sha256
from tests import factories
from tests.fulfillment.kit import mixed
from tests.support.staging import stage

pytestmark = [pytest.mark.django_db, pytest.mark.once]


def on_the_server() -> Batch:
    request = factories.open_request(draft=mixed.spec().model_dump(mode="json"))
    batch = factories.batch(factories.fulfillment(request=request))
    for name, data in mixed.files().items():
        stage(batch, data, name)
        ledger.drain()
    return batch


def at_home(folder: Path, site: str) -> Outcome:
    state = State(folder / ".state", spec_sha256=spec_sha256(mixed.spec()), resume=False)
    check = Check(folder, mixed.spec(), site, workers=0, near=False, without=[folder / ".state"])
    try:
        return run_check(check, state, lambda *_: None)
    finally:
        state.remove()


def findings_of(findings: list[dict[str, Any]]) -> list[tuple[str, str, str, str]]:
    told = []
    for finding in findings:
        message = finding["message"].partition(" as file ")[0]  # where the twin lies is said in other words
        told.append((finding["code"], finding["severity"], message, finding["remedy"]))
    return told


def test_the_kit_and_the_server_say_the_same_of_every_file(tmp_path: Path, settings: Any) -> None:
    settings.STAGING = tmp_path / "staging"
    batch = on_the_server()
    outcome = at_home(mixed.write(tmp_path / "in"), batch.fulfillment.hospital.slug)

    server = {name_of(f): (f.status, f.reason, findings_of(f.findings)) for f in SourceFile.objects.filter(batch=batch)}
    kit = {one.source.name: (one.status, one.reason, findings_of(one.findings)) for one in outcome.files}
    assert kit == server
    assert {status for status, _, _ in kit.values()} >= {"passed", "rejected", "quarantined"}
    codes = {reason for _, reason, _ in kit.values()}
    assert codes >= {
        "VIEW_MISMATCH",
        "TOO_SMALL",
        "DUPLICATE_IMAGE",
        "DUPLICATE_INSTANCE",
        "STUDY_HAS_TWO_PATIENTS",
        "not-dicom",
    }

    images = list(Image.objects.live().filter(source__batch=batch).select_related("source__batch__fulfillment"))
    scores = {name_of(image.source): image.scores.get() for image in images}
    at = {one.source.name: one.verdict["quality"] for one in outcome.passed}
    assert {name: (s.total, s.components, s.gate_reason, s.weakest, s.gain) for name, s in scores.items()} == {
        name: (q["total"], q["components"], q["gate_reason"], q["weakest"], q["gain"]) for name, q in at.items()
    }
    masked = {name_of(image.source): len(image.masks) for image in images}
    assert masked == {one.source.name: len(one.verdict["deid"]["masks"]) for one in outcome.passed}

    spec = mixed.spec()
    assert [line.as_dict() for line in outcome.quotas] == [
        line.as_dict() for line in fill_quotas(facts_of(images), spec)
    ]
    assert any(line.received for line in outcome.quotas)
    assert [finding.as_dict() for finding in outcome.remarks] == batch_findings(batch)

    page = BatchQuality(batch)
    assert (outcome.quality.total, outcome.quality.header, outcome.quality.labels) == (
        page.total,
        page.header,
        page.labels,
    )
    assert [(r.component, r.images, r.gain) for r in outcome.quality.raises] == [
        (r.component, r.images, r.gain) for r in page.raises
    ]
    withheld = {doubt.code: number for doubt, number in outcome.reports.withheld.items()}
    assert (len(outcome.reports.linked), withheld) == (1, {"STUDY_NOT_HERE": 1})
