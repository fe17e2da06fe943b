"""What de-identification would do to the folder, added up: actions, tags, masked places, what is withheld. No value of any header."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deid import REASONS


@dataclass
class Preview:
    """``touched``: (tag path, action) -> files. ``places``: where text would be covered -> files. ``review``: reason code -> files
    that a person looks at."""

    policy: str = ""
    cleaned: int = 0
    masked_files: int = 0
    masks: int = 0
    hints: int = 0
    places: Counter[str] = field(default_factory=Counter)
    actions: Counter[str] = field(default_factory=Counter)
    touched: Counter[tuple[str, str]] = field(default_factory=Counter)
    review: Counter[str] = field(default_factory=Counter)

    def add(self, verdict: dict[str, Any]) -> None:
        """Count one file and let go of what is not needed once it is counted."""
        deid = verdict.get("deid")
        if deid is None:
            return
        self.cleaned += 1
        self.masked_files += bool(deid["masks"])
        self.masks += len(deid["masks"])
        self.hints += bool(deid["hints"])
        self.places.update(deid["places"])
        self.actions.update(deid.pop("actions", {}))
        self.touched.update(deid.pop("touched", {}).items())
        self.review.update(deid["review"])

    def as_dict(self) -> dict[str, Any]:
        return {
            "policy": self.policy,
            "files_cleaned": self.cleaned,
            "files_with_masked_text": self.masked_files,
            "places_masked": self.masks,
            "files_with_something_faint": self.hints,
            "where": dict(self.places.most_common()),
            "actions": dict(self.actions.most_common()),
            "attributes": [
                {"tag": tag, "action": action, "files": files} for (tag, action), files in self.touched.most_common(400)
            ],
            "a_person_looks": [
                {"code": code, "files": files, "cause": review_words(code)} for code, files in self.review.most_common()
            ],
        }


def review_words(code: str) -> str:
    reason = REASONS.get(code)
    return reason.cause if reason is not None else code


def of_deid(verdict: Mapping[str, Any]) -> bool:
    """Whether a refusal came from de-identification: its code is one of the engine's reasons."""
    return verdict.get("reason", "") in REASONS
