"""Thin Celery wrappers: each calls one function."""

from __future__ import annotations

from celery import shared_task

from getdata.trust import anchors, openings


@shared_task(name="trust.anchor_task", soft_time_limit=120, time_limit=150)
def anchor_task() -> None:
    anchors.anchor_due()


@shared_task(name="trust.export_anchors_task", soft_time_limit=120, time_limit=150)
def export_anchors_task() -> None:
    anchors.export_missing()


@shared_task(name="trust.end_openings_task", soft_time_limit=60, time_limit=90)
def end_openings_task() -> None:
    openings.end_expired()
