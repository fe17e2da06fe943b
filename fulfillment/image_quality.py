"""What is known of the quality of one image: components, gates, what the picture shows, completeness, duplicates, labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from fulfillment.conformance import ImageFacts
from fulfillment.conformance.technique import FRONTAL, LATERAL
from fulfillment.models import DuplicateHit, Image, Label, QualityScore, SourceFile
from fulfillment.quality import GateRules
from fulfillment.quality.completeness import Completeness, Item, State, label_completeness
from fulfillment.quality.header import REMEDIES
from fulfillment.quality.truth import NOT_ASSESSED
from fulfillment.quality.words import BY_NAME, band
from fulfillment.services.as_it_came import can_insist
from fulfillment.uploads import rights
from getdata.accounts.models import User
from requests_app.spec import DatasetSpec, QualityComponent
from requests_app.taxonomy import LabelState


@dataclass(frozen=True)
class Bar:
    """One component of one image."""

    name: str
    value: float
    word: str
    minimum: float | None
    weakest: bool

    @property
    def words(self) -> Any:
        return BY_NAME.get(self.name)

    @property
    def is_short(self) -> bool:
        return self.minimum is not None and self.value < self.minimum


@dataclass(frozen=True)
class Seen:
    """One thing the picture was held against the header for. ``agrees``: None where there is nothing to compare."""

    what: str
    answer: str
    confidence: float | None = None
    agrees: bool | None = None


@dataclass(frozen=True)
class Lack:
    """Something that is missing, what to do, and what it would add to its score."""

    name: str
    state: str
    asked: str
    remedy: str
    points: float


class ImageQuality:
    """Everything the page of one image shows to one person."""

    def __init__(self, image: Image, user: User) -> None:
        self.image, self.user = image, user
        self.batch = image.source.batch
        self.spec = DatasetSpec.model_validate(self.batch.spec_version.document)
        self.facts = ImageFacts.from_dict(image.facts)
        self.score: QualityScore | None = image.scores.order_by("-created_at").first()
        self.labels = list(
            Label.objects.readable_by(user)
            .standing()
            .filter(image=image)
            .prefetch_related("annotations")
            .order_by("finding", "reader")
        )
        self.header = Completeness.from_dict(self.score.completeness) if self.score else None
        self.label_score = self._label_score() if self.spec.labels.findings else None
        self.truth: Mapping[str, Any] = image.truth or {}
        self.corrections: list[Mapping[str, Any]] = image.corrections or []
        self.may_insist = can_insist(image.source, image) and rights.may_add_files(user, self.batch)

    @property
    def view_box(self) -> str:
        """The SVG viewBox in pixels of the stored image, or "" where its size is not known."""
        return f"0 0 {self.facts.columns} {self.facts.rows}" if self.facts.columns and self.facts.rows else ""

    @property
    def bars(self) -> list[Bar]:
        """The components in the order of the documents."""
        if self.score is None:
            return []
        least = {line.component.value: line.min for line in self.spec.quality.components}
        known = self.score.components
        return [
            Bar(name, known[name], band(known[name]), least.get(name), name == self.score.weakest)
            for name in (component.value for component in QualityComponent)
            if name in known
        ]

    @property
    def unmeasured(self) -> list[str]:
        """Components this image has no figure for."""
        known = self.score.components if self.score else {}
        return [component.value for component in QualityComponent if component.value not in known]

    @property
    def gates(self) -> list[str]:
        """What the gates asked of this image, in words."""
        rules = GateRules.for_spec(self.spec)
        asked = ["one plane of stored grey values"]
        if rules.short_side:
            asked.append(f"a short side of at least {rules.short_side:,} pixels")
        if rules.bits_stored:
            asked.append(f"BitsStored of at least {rules.bits_stored}")
        if rules.spacing:
            asked.append("the size of a pixel in the header")
        if rules.view:
            asked.append("the projection in the header")
        return asked

    # --- the picture against its header ---------------------------------------------------------------------------------

    @property
    def seen(self) -> list[Seen]:
        """What the picture shows, as far as it was assessed."""
        truth = self.truth
        if not truth.get("assessed"):
            return []
        if truth.get("not_chest"):
            return [Seen("A chest radiograph", "It does not look like one", truth.get("not_chest_confidence"), False)]
        found = []
        if (view := truth.get("view", "unknown")) != "unknown":
            said = _side_of(self.facts.view)
            told = f"{view}; the header says {self.facts.view or 'nothing'}"
            found.append(Seen("View", told, truth.get("view_confidence"), None if said is None else said == view))
        if (polarity := truth.get("polarity", "unknown")) != "unknown":
            right = polarity == "normal"
            told = "bones are bright" if right else "bones would be shown dark"
            found.append(Seen("Polarity", told, truth.get("polarity_confidence"), right))
        if (turned := truth.get("rotation")) is not None:
            told = "upright" if turned == 0 else f"turned by {turned} degrees clockwise"
            found.append(Seen("Rotation", told, truth.get("rotation_confidence"), turned == 0))
        if (mirrored := truth.get("mirrored")) is not None:
            told = "left and right look exchanged" if mirrored else "left and right as they should be"
            found.append(Seen("Mirrored", told, truth.get("mirrored_confidence"), not mirrored))
        if truth.get("collimated") is not None:
            found.append(Seen("Empty margin", f"{truth['collimated']:.0%} of the picture"))
        if truth.get("cut_off"):
            found.append(Seen("Cut off", "the lungs run out at the " + ", ".join(truth["cut_off"]), None, False))
        return found

    @property
    def not_assessed(self) -> tuple[str, ...]:
        """What a reader would look at and nothing here did."""
        return tuple(self.truth.get("not_assessed") or NOT_ASSESSED)

    @property
    def why_not_seen(self) -> str:
        return str(self.truth.get("reason", "")) or "The picture was not held against its header."

    # --- completeness -----------------------------------------------------------------------------------------------------

    def _label_score(self) -> Completeness:
        states: dict[str, list[LabelState]] = defaultdict(list)
        shapes: dict[str, set[str]] = defaultdict(set)
        for label in self.labels:
            state = LabelState(label.state)
            states[label.finding].append(state)
            if state in (LabelState.PRESENT, LabelState.LIKELY):
                shapes[label.finding] |= {shape.kind for shape in label.annotations.all()}
        return label_completeness(self.spec, states, shapes)

    @property
    def header_lacks(self) -> list[Lack]:
        return [_lack(item, REMEDIES.get(item.name, "")) for item in self.header.lacking] if self.header else []

    @property
    def label_lacks(self) -> list[Lack]:
        if self.label_score is None:
            return []
        shape = "Add the shape to the label file, or in a COCO, SEG or mask file."
        state = "Add a row for it to the label table: present or absent."
        return [_lack(item, shape if ": " in item.name else state) for item in self.label_score.lacking]

    @property
    def header_unassessed(self) -> list[Item]:
        """Attributes that were not judged, and why."""
        left = (State.REMOVED, State.NOT_NEEDED, State.NOT_ASSESSED)
        return [item for item in self.header.items if item.state in left] if self.header else []

    # --- neighbours -------------------------------------------------------------------------------------------------------

    @property
    def twins(self) -> list[Image]:
        """Images of the same delivery that show the same, as far as this person may look at them."""
        own = DuplicateHit.objects.filter(Q(image=self.image) | Q(other=self.image)).values_list("image_id", "other_id")
        keys = {key for pair in own for key in pair} - {self.image.pk}
        here = Image.objects.live().pictured_for(self.user).visible_to(self.user)
        return list(
            here.filter(pk__in=keys, source__batch__fulfillment=self.batch.fulfillment_id).select_related(
                "source__batch"
            )
        )

    @property
    def copies(self) -> list[SourceFile]:
        """Files of the same delivery that were the same picture and were not kept."""
        files = SourceFile.objects.visible_to(self.user).filter(
            twin=self.image, batch__fulfillment=self.batch.fulfillment_id
        )
        return list(files.select_related("batch"))

    @property
    def place(self) -> dict[str, Any]:
        """Where the image stands in its batch, and the images before and after it."""
        here = Image.objects.live().filter(source__batch=self.batch).order_by("source__number")
        before = here.filter(source__number__lt=self.image.source.number)
        return {
            "number": before.count() + 1,
            "of": here.count(),
            "previous": before.select_related("source").last(),
            "following": here.filter(source__number__gt=self.image.source.number).select_related("source").first(),
        }


def _lack(item: Item, remedy: str) -> Lack:
    return Lack(item.name, item.state.plain, item.asked, remedy, item.points)


def _side_of(view: str | None) -> str | None:
    """Frontal or lateral, of what the header says."""
    if view in FRONTAL:
        return "frontal"
    return "lateral" if view in LATERAL else None
