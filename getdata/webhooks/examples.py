"""Examples of the API's documentation, by schema."""

from __future__ import annotations

from typing import Any

_ID = "6f1c2b1e-52a4-4a5d-9d55-0e6a3c8f2a10"
_CHANGE = {"url": "https://hooks.example.org/getdata", "events": ["batch.returned", "offer.accepted"]}
_ENDPOINT = {
    "id": _ID,
    "organization": "example-hospital",
    **_CHANGE,
    "live": True,
    "disabled_at": None,
    "disabled_reason": "",
    "last_success_at": "2026-11-03T08:00:00Z",
    "key_ids": ["9f86d081"],
    "created_at": "2026-11-02T09:14:00Z",
}
_SECRET = {"key_id": "9f86d081", "secret": "gdwh_…"}

EXAMPLES: dict[str, Any] = {
    "WebhookChangeRequest": _CHANGE,
    "WebhookRegisterRequest": {"organization": "example-hospital", **_CHANGE},
    "Endpoint": _ENDPOINT,
    "MadeEndpoint": {**_ENDPOINT, "last_success_at": None, "signing": _SECRET},
    "NewSecret": _SECRET,
    "Topic": {"name": "offer.accepted", "says": "An offer was accepted: both parties signed"},
    "Delivery": {
        "id": "0b9f1a52-6a4c-4f1e-8f0b-4a6a0a1f3b11",
        "event_id": "c1f9d0e2-3a55-4a0e-8d7b-5b8f2f9f6a01",
        "event": "offer.accepted",
        "state": "delivered",
        "attempts": 2,
        "next_attempt_at": None,
        "delivered_at": "2026-11-03T08:01:00Z",
        "gave_up_at": None,
        "body": '{"id":"c1f9d0e2-…","version":1,"type":"offer.accepted","data":{"object":"offer","state":"accepted"}}',
        "tries": [
            {"created_at": "2026-11-03T08:01:00Z", "status_code": 204, "error": "", "milliseconds": 81},
            {"created_at": "2026-11-03T08:00:00Z", "status_code": None, "error": "timeout", "milliseconds": 15002},
        ],
        "created_at": "2026-11-03T08:00:00Z",
    },
}
