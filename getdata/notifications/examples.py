"""Examples of the API's documentation, by schema."""

from __future__ import annotations

from typing import Any

_LINE = {
    "id": "0b9f1a52-6a4c-4f1e-8f0b-4a6a0a1f3b11",
    "event": "offer.submitted",
    "group": "offers",
    "text": "Example Hospital offers 12,000 images for “Pneumothorax on bedside chest radiographs”.",
    "url": "/offers/6f1c2b1e-52a4-4a5d-9d55-0e6a3c8f2a10/",
    "read_at": None,
    "created_at": "2026-11-02T09:14:00Z",
}
_CHOSEN = [{"group": "offers", "channel": "digest"}]

EXAMPLES: dict[str, Any] = {
    "Notification": _LINE,
    "Count": {"count": 3},
    "PreferencesRequest": {"preferences": _CHOSEN},
    "Preferences": {
        "preferences": _CHOSEN,
        "matrix": [
            {
                "event": "offer.submitted",
                "group": "offers",
                "subject": "A hospital made an offer",
                "reaches": "the organization that asked (owner, signatory, data manager)",
                "channel": "mail",
                "locked": False,
            }
        ],
    },
}
