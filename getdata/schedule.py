"""What beat rings for, and how often in seconds. A task looks in the database for what is due: a lost bell costs time only."""

from __future__ import annotations

from typing import Any


def schedule(*, sweep_seconds: float) -> dict[str, dict[str, Any]]:
    """Celery's beat schedule; ``sweep_seconds``: between two looks for files whose lease ran out."""
    return {
        "sweep-leases": {"task": "fulfillment.sweep_task", "schedule": sweep_seconds},
        "tell-settled": {"task": "fulfillment.tell_settled_task", "schedule": 30.0},
        "sweep-label-imports": {"task": "fulfillment.sweep_label_imports_task", "schedule": 60.0},
        "sweep-uploads": {"task": "fulfillment.sweep_uploads_task", "schedule": 600.0},
        "destroy-originals": {"task": "fulfillment.destroy_originals_task", "schedule": 900.0},
        "sweep-orphans": {"task": "fulfillment.sweep_orphans_task", "schedule": 6 * 3600.0},
        "sweep-certificates": {"task": "fulfillment.sweep_certificates_task", "schedule": 300.0},
        "sweep-evidence": {"task": "fulfillment.sweep_evidence_task", "schedule": 300.0},
        "sweep-withdrawals": {"task": "fulfillment.sweep_withdrawals_task", "schedule": 3600.0},
        "sweep-comparisons": {"task": "fulfillment.sweep_comparisons_task", "schedule": 60.0},
        "sweep-published-sets": {"task": "fulfillment.sweep_published_sets_task", "schedule": 120.0},
        "sweep-releases": {"task": "fulfillment.sweep_releases_task", "schedule": 120.0},
        "make-releases-live": {"task": "fulfillment.make_releases_live_task", "schedule": 15.0},
        "warn-of-expiry": {"task": "fulfillment.warn_of_expiry_task", "schedule": 3600.0},
        "send-outbox": {"task": "notifications.send_outbox_task", "schedule": 30.0},
        "send-digests": {"task": "notifications.send_digests_task", "schedule": 900.0},
        "send-reminders": {"task": "notifications.send_reminders_task", "schedule": 900.0},
        "sweep-webhooks": {"task": "webhooks.sweep_task", "schedule": 30.0},
        "anchor-audit": {"task": "trust.anchor_task", "schedule": 3600.0},
        "end-openings": {"task": "trust.end_openings_task", "schedule": 60.0},
        "expire-invitations": {"task": "accounts.expire_invitations_task", "schedule": 3600.0},
        "expire-offers": {"task": "requests_app.expire_task", "schedule": 600.0},
        "sweep-listings": {"task": "requests_app.sweep_listings_task", "schedule": 120.0},
        "tell-searchers": {"task": "requests_app.tell_searchers_task", "schedule": 60.0},
    }
