"""Thin Celery wrappers: each takes a primary key and calls one function."""

from __future__ import annotations

from celery import shared_task

from fulfillment import ledger, near_duplicates, pipeline, uploads
from fulfillment.services import (
    before_pictures,
    certificates,
    evidence,
    grant_expiry,
    label_imports,
    published_sets,
    release_window,
    releases,
    settling,
)
from fulfillment.services.destruction import destroy_due
from fulfillment.services.orphans import sweep_orphans
from fulfillment.services.withdrawals import erase_withdrawn


@shared_task(name="fulfillment.process_task", soft_time_limit=300, time_limit=330)
def process_task(_: str = "") -> None:
    """A bell. Which file it was rung for does not matter: the one whose turn it is gets worked on."""
    pipeline.work()


@shared_task(name="fulfillment.sweep_task", soft_time_limit=120, time_limit=150)
def sweep_task() -> None:
    ledger.sweep()


@shared_task(name="fulfillment.tell_settled_task", soft_time_limit=120, time_limit=150)
def tell_settled_task() -> None:
    settling.tell_settled()


@shared_task(name="fulfillment.sweep_label_imports_task", soft_time_limit=120, time_limit=150)
def sweep_label_imports_task() -> None:
    label_imports.sweep_label_imports()


@shared_task(name="fulfillment.sweep_uploads_task", soft_time_limit=120, time_limit=150)
def sweep_uploads_task() -> None:
    uploads.sweep()


@shared_task(name="fulfillment.draw_original_task", soft_time_limit=60, time_limit=90)
def draw_original_task(file_pk: str) -> None:
    before_pictures.draw_original(file_pk)


@shared_task(name="fulfillment.compare_task", soft_time_limit=300, time_limit=330)
def compare_task(image_pk: str) -> None:
    near_duplicates.compare(image_pk)


@shared_task(name="fulfillment.sweep_comparisons_task", soft_time_limit=60, time_limit=90)
def sweep_comparisons_task() -> None:
    near_duplicates.ring_for_uncompared()


@shared_task(name="fulfillment.sweep_published_sets_task", soft_time_limit=60, time_limit=90)
def sweep_published_sets_task() -> None:
    published_sets.ring_for_unread()


@shared_task(name="fulfillment.read_published_set_task", soft_time_limit=1700, time_limit=1800)
def read_published_set_task(pk: str) -> None:
    published_sets.read_published_set(pk)


@shared_task(name="fulfillment.build_release_task", soft_time_limit=3500, time_limit=3600)
def build_release_task(release_pk: str) -> None:
    releases.build_release(release_pk)


@shared_task(name="fulfillment.sweep_releases_task", soft_time_limit=60, time_limit=90)
def sweep_releases_task() -> None:
    releases.ring_for_unbuilt()


@shared_task(name="fulfillment.make_releases_live_task", soft_time_limit=120, time_limit=150)
def make_releases_live_task() -> None:
    release_window.make_due_live()


@shared_task(name="fulfillment.warn_of_expiry_task", soft_time_limit=120, time_limit=150)
def warn_of_expiry_task() -> None:
    grant_expiry.warn_of_expiry()


@shared_task(name="fulfillment.certify_batch_task", soft_time_limit=1700, time_limit=1800)
def certify_batch_task(batch_pk: str) -> None:
    certificates.certify_batch(batch_pk)


@shared_task(name="fulfillment.sweep_certificates_task", soft_time_limit=60, time_limit=90)
def sweep_certificates_task() -> None:
    certificates.ring_for_uncertified()


@shared_task(name="fulfillment.sweep_evidence_task", soft_time_limit=60, time_limit=90)
def sweep_evidence_task() -> None:
    evidence.ring_for_unbuilt_packs()


@shared_task(name="fulfillment.read_label_import_task", soft_time_limit=300, time_limit=330)
def read_label_import_task(pk: str) -> None:
    label_imports.read_import(pk)


@shared_task(name="fulfillment.destroy_originals_task", soft_time_limit=1700, time_limit=1800)
def destroy_originals_task() -> None:
    destroy_due()


@shared_task(name="fulfillment.build_evidence_task", soft_time_limit=1700, time_limit=1800)
def build_evidence_task(pk: str) -> None:
    evidence.build_pack(pk)


@shared_task(name="fulfillment.sweep_withdrawals_task", soft_time_limit=1700, time_limit=1800)
def sweep_withdrawals_task() -> None:
    erase_withdrawn()


@shared_task(name="fulfillment.erase_withdrawn_task", soft_time_limit=1700, time_limit=1800)
def erase_withdrawn_task(pk: str) -> None:
    erase_withdrawn(pk)


@shared_task(name="fulfillment.sweep_orphans_task", soft_time_limit=1700, time_limit=1800)
def sweep_orphans_task() -> None:
    sweep_orphans()
