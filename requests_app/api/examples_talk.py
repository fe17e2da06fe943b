"""Examples of the API's documentation: questions and messages."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiExample

_ID = "6f1c2b1e-52a4-4a5d-9d55-0e6a3c8f2a10"
_QUESTION = {
    "id": _ID,
    "text": "Do you accept images from storage phosphor plates?",
    "created_at": "2026-11-02T09:14:00Z",
    "edited_at": None,
    "answer": "",
    "answered_at": None,
    "answer_edited_at": None,
    "is_erratum": False,
    "clarifies_version": None,
    "clarified_at": None,
    "hidden": False,
    "hidden_reason": "",
}
_ANSWER = "Yes, if the short side has at least 1,500 pixels."

ASKED = [
    OpenApiExample("A question", value={"text": _QUESTION["text"]}, request_only=True),
    OpenApiExample("The question made", value=_QUESTION, response_only=True, status_codes=["201"]),
]
ANSWERED = [
    OpenApiExample("An answer that clarifies", value={"text": _ANSWER, "clarifies": True}, request_only=True),
    OpenApiExample(
        "The question answered",
        value={
            **_QUESTION,
            "answer": _ANSWER,
            "answered_at": "2026-11-03T08:00:00Z",
            "is_erratum": True,
            "clarifies_version": 1,
            "clarified_at": "2026-11-03T08:00:00Z",
        },
        response_only=True,
        status_codes=["200"],
    ),
]
ERRATUM = OpenApiExample(
    "An erratum",
    value={
        "number": 1,
        "version": 1,
        "date": "2026-11-03",
        "question_id": _ID,
        "question": _QUESTION["text"],
        "answer": _ANSWER,
    },
    response_only=True,
)
POSTED = [
    OpenApiExample("A message", value={"text": "We can deliver the lateral views by March."}, request_only=True),
    OpenApiExample(
        "The message sent",
        value={
            "id": _ID,
            "author": "Hanne Manager",
            "organization": "st-example-hospital",
            "text": "We can deliver the lateral views by March.",
            "created_at": "2026-11-03T08:00:00Z",
            "hidden": False,
            "hidden_reason": "",
        },
        response_only=True,
        status_codes=["201"],
    ),
]
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
