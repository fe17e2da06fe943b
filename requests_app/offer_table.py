"""Offers on one request side by side: what each gives for each line, where it deviates, what they come to together."""

from __future__ import annotations

from dataclasses import dataclass

from requests_app.models import DatasetRequest, Offer
from requests_app.services.offer_counts import offerable
from requests_app.spec import DatasetSpec, check_lines, demands, describe_line


@dataclass(frozen=True)
class Deviation:
    """Where an offer is not as asked."""

    check_id: str
    label: str
    level: str
    text: str
    percent: int | None

    @property
    def said(self) -> str:
        return f"{self.percent} %: {self.text}" if self.percent else self.text


@dataclass(frozen=True)
class Part:
    """One offer's count for one line. ``agreed`` is None until an agreement is drawn up."""

    offered: int
    agreed: int | None
    deviation: Deviation | None

    @property
    def counted(self) -> int:
        return self.offered if self.agreed is None else self.agreed


@dataclass(frozen=True)
class Line:
    """One line over all offers."""

    check_id: str
    label: str
    level: str
    unit: str
    needed: int
    parts: list[Part]

    @property
    def together(self) -> int:
        return sum(part.counted for part in self.parts)

    @property
    def agreed(self) -> int:
        return sum(part.agreed or 0 for part in self.parts)

    @property
    def missing(self) -> int:
        """What no offer covers, taking of each what is agreed or, before that, all of it."""
        return max(0, self.needed - self.together)

    @property
    def open(self) -> int:
        """What no agreement covers yet."""
        return max(0, self.needed - self.agreed)


@dataclass(frozen=True)
class OfferTable:
    """``offers`` are the columns; every line has one part for each."""

    offers: list[Offer]
    lines: list[Line]
    deviations: list[tuple[Offer, list[Deviation]]]


def deviations_of(offer: Offer, spec: DatasetSpec | None = None) -> list[Deviation]:
    """An offer's deviations in the order of the specification."""
    if not offer.deviations:
        return []
    spec = spec or DatasetSpec.model_validate(offer.spec_version.document)
    words = {entry.check_id: (describe_line(entry.line), entry.level.value) for entry in check_lines(spec)}
    words |= {demand.check_id: (demand.text, demand.level.value) for demand in demands(spec) if demand.kind != "total"}
    found = []
    for check_id, (label, level) in words.items():
        said = offer.deviations.get(check_id)
        if said:
            label = label[:1].upper() + label[1:]
            found.append(Deviation(check_id, label, level, str(said["text"]), said.get("percent")))
    return found


def offer_table(request: DatasetRequest, offers: list[Offer] | None = None) -> OfferTable:
    """The live offers on a request, accepted ones first, then as they came, against its newest version."""
    version = request.current_version
    assert version is not None, "a request without a frozen version has no offers"
    spec = DatasetSpec.model_validate(version.document)
    if offers is None:
        live = request.offers.live()
        offers = list(live.select_related("hospital", "spec_version", "agreement").order_by("status", "created_at"))
    said = [(offer, {one.check_id: one for one in deviations_of(offer)}) for offer in offers]

    def line(check_id: str, label: str, level: str, unit: str, needed: int) -> Line:
        parts = [Part(*_counts(offer, check_id), differing.get(check_id)) for offer, differing in said]
        return Line(check_id, label, level, unit, needed, parts)

    cohort = spec.cohort
    lines = [line("cohort.images", "All images", cohort.images.level.value, "images", cohort.images.min)]
    lines.append(line("cohort.patients", "All patients", cohort.patients.level.value, "patients", cohort.patients.min))
    for demand in offerable(spec):
        label = demand.text[:1].upper() + demand.text[1:]
        lines.append(line(demand.check_id, label, demand.level.value, demand.unit.value, demand.min))
    return OfferTable(offers, lines, [(offer, list(found.values())) for offer, found in said])


def _counts(offer: Offer, check_id: str) -> tuple[int, int | None]:
    drawn = bool(offer.agreed)
    if check_id == "cohort.images":
        return offer.images, offer.counted_images if drawn else None
    if check_id == "cohort.patients":
        return offer.patients, offer.counted_patients if drawn else None
    return int(offer.cells.get(check_id, 0)), offer.counted_cells.get(check_id, 0) if drawn else None
