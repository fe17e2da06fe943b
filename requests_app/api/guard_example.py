"""The example that no schema has: what the guard's refusal looks like."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

GUARD_REFUSAL = OpenApiExample(
    "A text that may identify a person",
    description="Nothing of it was kept. Send the same words with `confirmed` set to `confirmation`, or change them.",
    value={
        "type": "urn:getdata:problem:text_may_identify",
        "title": "Not possible now",
        "status": 409,
        "code": "text_may_identify",
        "detail": "This text may identify a person (telephone number). Nothing of it was kept.",
        "remedy": "Change it, or confirm that it names nobody.",
        "errors": [
            {
                "path": "text",
                "pointer": "/text",
                "code": "telephone_number",
                "message": "It reads like a telephone or fax number.",
                "remedy": "Leave it out; write through GetDATA instead.",
            }
        ],
        "confirmation": "0f3a6b0c9d1e4f58a7b2c3d4e5f60718",
        "findings": [{"kind": "telephone number", "severity": "soft", "start": 8, "end": 22}],
    },
    response_only=True,
    status_codes=["409"],
)
