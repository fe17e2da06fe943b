"""Examples of the API's documentation, by schema: one request and what comes of it, so that they fit together."""

from __future__ import annotations

from typing import Any

_OFFER_ID, _AGREEMENT_ID = "6f1c2b1e-52a4-4a5d-9d55-0e6a3c8f2a10", "c1f9d0e2-3a55-4a0e-8d7b-5b8f2f9f6a01"
_REQUEST_ID, _QUESTION_ID = "0b9f1a52-6a4c-4f1e-8f0b-4a6a0a1f3b11", "8d3f3c39-57c5-4a89-8f6f-0a2f5a3f7d21"
_SHA = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_SLUG, _TITLE = "pneumothorax-on-bedside-chest-radiographs", "Pneumothorax on bedside chest radiographs"
_ASKER = {"slug": "example-group", "name": "Example Group", "kind": "research_group", "country": "DE"}
_HOSPITAL = {"slug": "example-hospital", "name": "Example Hospital", "kind": "hospital", "country": "FR"}
_DOCUMENT = {
    "title": _TITLE,
    "category": "cxr",
    "cohort": {"images": {"min": 4000}, "patients": {"min": 2500}},
    "projections": [{"view": "AP", "position": "supine", "min": 3000}],
}
_CELLS = {"projections.ap-supine": 900}

_REQUEST = {
    "id": _REQUEST_ID,
    "slug": _SLUG,
    "title": _TITLE,
    "category": "cxr",
    "status": "open",
    "organization": _ASKER,
    "deadline": "2027-06-30",
    "minimum_images": 4000,
    "report_linkage": "optional",
    "version": 1,
    "submitted_at": "2026-10-30T10:00:00Z",
    "opened_at": "2026-11-01T08:30:00Z",
    "closed_at": None,
    "created_at": "2026-10-28T09:00:00Z",
    "url": f"/requests/{_SLUG}/",
}
_METER = {
    "check_id": "cohort.images",
    "label": "All images",
    "needed": 4000,
    "offered": 3200,
    "received": 900,
    "accepted": 640,
    "still_useful": 3100,
    "unit": "images",
}
_VERSION = {"number": 2, "sha256": _SHA, "document": _DOCUMENT, "created_at": "2026-11-12T12:00:00Z"}
_CHANGE = {
    "path": "cohort.images.min",
    "kind": "changed",
    "before": "3000",
    "after": "4000",
    "text": "At least 4,000 images instead of 3,000",
    "check_id": "cohort.images",
}
_NOTE = {
    "code": "quota_exceeds_total",
    "severity": "blocking",
    "path": "quotas.0.min",
    "pointer": "/quotas/0/min",
    "message": "Female > 65 AP supine asks 900, but total female is 800.",
    "remedy": "Lower it to at most 800, or raise the total.",
}
_OFFER = {
    "id": _OFFER_ID,
    "request": _SLUG,
    "version": 1,
    "hospital": _HOSPITAL,
    "images": 1200,
    "patients": 1000,
    "cells": _CELLS,
    "deviations": {},
    "agreed": {},
    "message": "Two digital systems, 2016 to 2024; labels from the reports.",
    "terms": "",
    "deliver_from": "2027-01-15",
    "deliver_by": "2027-04-30",
    "feasibility": None,
    "expires_at": "2026-12-02T09:14:00Z",
    "status": "submitted",
    "status_note": "",
    "agreement": None,
    "created_at": "2026-11-02T09:14:00Z",
}
_SIGNATURE = {
    "organization": _ASKER,
    "printed_name": "Rosa Researcher",
    "meaning": "Agrees to this text for Example Group, with authority to bind it, and attests the purpose and country "
    "stated in it.",
    "method": "password",
    "text_sha256": _SHA,
    "created_at": "2026-11-05T15:20:00Z",
}
_QUESTION = {
    "id": _QUESTION_ID,
    "text": "Do you accept images from storage phosphor plates?",
    "created_at": "2026-11-02T09:14:00Z",
    "edited_at": None,
    "answer": "Yes, if the short side has at least 1,500 pixels.",
    "answered_at": "2026-11-03T08:00:00Z",
    "answer_edited_at": None,
    "is_erratum": True,
    "clarifies_version": 1,
    "clarified_at": "2026-11-03T08:00:00Z",
    "hidden": False,
    "hidden_reason": "",
}
_ERRATUM = {
    "number": 1,
    "version": 1,
    "date": "2026-11-03",
    "question_id": _QUESTION_ID,
    "question": _QUESTION["text"],
    "answer": _QUESTION["answer"],
}

EXAMPLES: dict[str, Any] = {
    # requests
    "Request": _REQUEST,
    "RequestDetail": {
        **_REQUEST,
        "status_note": "",
        "revision": 3,
        "document": _DOCUMENT,
        "sha256": _SHA,
        "meter": [_METER],
        "errata": [_ERRATUM],
    },
    "NewRequestRequest": {
        "organization": "example-group",
        "title": _TITLE,
        "category": "cxr",
        "document": {"cohort": {"images": {"min": 4000}}},
    },
    "DocumentRequest": {"document": _DOCUMENT},
    "DraftRequest": {"document": _DOCUMENT, "revision": 3},
    "DecisionNoteRequest": {"note": "State which views you need."},
    "OptionalDecisionNoteRequest": {"note": "Funding ended."},
    "Version": _VERSION,
    "Amended": {
        "version": _VERSION,
        "changes": [_CHANGE],
    },
    "Amendment": {
        "status": "draft",
        "status_note": "",
        "base_number": 1,
        "revision": 3,
        "document": _DOCUMENT,
        "changes": [_CHANGE],
        "submitted_at": None,
    },
    "Lint": {
        "readable": True,
        "may_be_posted": False,
        "sha256": _SHA,
        "summary": ["At least 4,000 images of at least 2,500 patients."],
        "notes": [_NOTE],
    },
    "MeterRow": _METER,
    "Meter": {
        "request": _SLUG,
        "status": "open",
        "version": 1,
        "counting": "every",
        "exact": True,
        "filled": False,
        "rows": [_METER],
        "useful": [{"check_id": "cohort.images", "count": 3100, "unit": "images", "text": "all images"}],
        "more": 0,
    },
    # matching
    "Profile": {"capability": {"views": {"AP": 9000}}, "stated": 1, "subjects": 8, "missing": ["years", "vendors"]},
    "ProfileRequest": {"capability": {"views": {"AP": 9000}}},
    "Match": {
        "request": _SLUG,
        "title": _TITLE,
        "percent": 86,
        "stated": 6,
        "asked": 7,
        "reasons": [
            {
                "check_id": "projections.ap-supine",
                "label": "AP required",
                "must": True,
                "verdict": "meets",
                "score": 1.0,
                "said": "You hold 9,000.",
            }
        ],
        "has_offer": False,
    },
    "MatchCounts": {"matching": 14, "removals": [{"label": "Lateral required", "count": 6}]},
    # offers and agreements
    "Offer": _OFFER,
    "NewOfferRequest": {
        "request": _SLUG,
        "hospital": "example-hospital",
        "images": 1200,
        "patients": 1000,
        "cells": _CELLS,
        "deviations": {"label.pneumothorax": {"text": "no boxes", "percent": 30}},
        "message": "Two digital systems, 2016 to 2024; labels from the reports.",
        "deliver_by": "2027-04-30",
    },
    "PartRequest": {
        "images": 800,
        "patients": 700,
        "cells": {"projections.ap-supine": 600},
        "legal_class": "expert_determination",
    },
    "Feasibility": {
        "id": "2d7f2d4e-0d6e-4f28-9b6a-6a0f5b1c7e55",
        "request": _SLUG,
        "version": 1,
        "spec_sha256": _SHA,
        "hospital": _HOSPITAL,
        "counts": {"projections.ap-supine": 1350, "labels.pneumothorax": "<11"},
        "counted_on": "2026-11-01",
        "source": "form",
        "created_at": "2026-11-02T09:00:00Z",
    },
    "NewFeasibilityRequest": {
        "request": _SLUG,
        "hospital": "example-hospital",
        "document": {
            "format": "getdata-feasibility",
            "version": 1,
            "spec_sha256": _SHA,
            "counted_on": "2026-11-01",
            "counts": {"projections.ap-supine": 1350, "labels.pneumothorax": "<11"},
        },
    },
    "Agreement": {
        "id": _AGREEMENT_ID,
        "offer": _OFFER_ID,
        "legal_class": "de-identified",
        "form": "data-use-2",
        "basis": "safe_harbor",
        "gdpr_role": "",
        "text": "DATA USE AGREEMENT …",
        "text_sha256": _SHA,
        "parties": [_ASKER, _HOSPITAL],
        "signatures": [_SIGNATURE],
        "is_complete": False,
        "created_at": "2026-11-04T10:00:00Z",
    },
    "SignRequest": {
        "organization": "example-hospital",
        "printed_name": "Georg Signatory",
        "password": "your password, again",
    },
    # saved searches
    "SavedSearch": {
        "id": "b3a1c7de-6c0f-4a0e-9a43-7d1c2c9f4e12",
        "name": "Pneumothorax at the bedside",
        "query": "q=bedside&category=cxr&finding=Pneumothorax",
        "in_words": "“bedside”, chest X-ray, pneumothorax",
        "pace": "daily",
        "by_mail": True,
        "paused": False,
        "told_at": None,
        "created_at": "2026-11-02T09:14:00Z",
        "url": "/requests/?q=bedside&category=cxr&finding=Pneumothorax",
    },
    "PatchedChangedSavedSearchRequest": {"pace": "at_once"},
    # questions and messages
    "Question": _QUESTION,
    "AskRequest": {"text": _QUESTION["text"]},
    "AnswerRequest": {"text": _QUESTION["answer"], "clarifies": True},
    "ChangedAnswerRequest": {"text": "Yes, if the short side has at least 1,400 pixels."},
    "HideRequest": {"reason": "off_topic", "erase": False},
    "Erratum": _ERRATUM,
    "Message": {
        "id": "5e0c7c57-2a59-4b06-8a2e-1d0b8b3f7a90",
        "author": "Hanne Manager",
        "organization": "example-hospital",
        "text": "We can deliver the lateral views by March.",
        "created_at": "2026-11-03T08:00:00Z",
        "hidden": False,
        "hidden_reason": "",
    },
    "PostRequest": {"text": "We can deliver the lateral views by March."},
    "Unread": {"unread": 2},
}
