"""What a release is about, and what is known of one of its images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fulfillment.release.labels import ReleasedLabel
from requests_app.spec import DatasetSpec


@dataclass(frozen=True)
class ReleasedImage:
    """One image of the release. ``facts`` is ``ImageFacts.as_dict()``; ``site`` a code such as ``site-01``."""

    path: str
    sha256: str
    site: str
    facts: Mapping[str, Any]
    quality_version: str
    quality_total: float | None
    quality_components: Mapping[str, float]
    masks: int
    labels: Sequence[ReleasedLabel] = ()
    deid: Mapping[str, Any] = field(default_factory=dict)
    size: int = 0

    @property
    def image_id(self) -> str:
        """What tables name the image by: its replaced SOPInstanceUID."""
        return str(self.facts.get("sop_instance_uid") or "")

    @property
    def patient_id(self) -> str:
        return str(self.facts.get("patient") or "")


@dataclass(frozen=True)
class Version:
    """What changed since the release before this one; ``number`` is that one's, None for a first release.

    ``reasons``: why images are gone, as classes, and how many.
    """

    number: int | None = None
    withdrawn: bool = False
    added: int = 0
    removed: int = 0
    relabelled: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class PackageFacts:
    """What the documents say about the release as a whole. ``address`` is the release's page."""

    name: str
    title: str
    number: int
    published_for: str
    date: str
    spec: DatasetSpec
    spec_version: int
    spec_sha256: str
    terms: str
    withheld: Mapping[str, int]
    version: Version = Version()
    address: str = ""
