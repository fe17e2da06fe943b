"""Verdicts put in order, as one server with one worker would: what came first is kept, what repeats it is refused."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from deid import Zone
from fulfillment.conformance.facts import ImageFacts
from fulfillment.kit.look import masked
from fulfillment.kit.sources import Source
from fulfillment.kit.state import State
from fulfillment.verdict.instance import refusal
from fulfillment.verdict.repeats import Twin, repetition
from fulfillment.verdict.zones import CONSIDERED, zones_from

Device = tuple[str | None, str | None]


@dataclass
class Settled:
    """One file and what becomes of it. ``verdict`` is what was seen of an image, or {}. ``twin``: the number of the file kept."""

    source: Source = field(repr=False)
    status: str
    reason: str
    findings: list[dict[str, Any]] = field(repr=False)
    verdict: dict[str, Any] = field(default_factory=dict, repr=False)
    twin: int | None = None

    @property
    def passed(self) -> bool:
        return self.status == "passed"

    @property
    def number(self) -> int:
        return self.source.number

    @property
    def facts(self) -> ImageFacts:
        return ImageFacts.from_dict(self.verdict["facts"])


@dataclass
class Kept:
    """The images that fit so far, by all that a later one is held against. ``Here`` of ``fulfillment.verdict.repeats``."""

    _by_uid: dict[str | None, Twin] = field(default_factory=dict)
    _by_pixels: dict[str, Twin] = field(default_factory=dict)
    _patients: defaultdict[str | None, set[str | None]] = field(default_factory=lambda: defaultdict(set))
    before: str = ""

    def of_instance(self, sop_instance_uid: str | None) -> Twin | None:
        return self._by_uid.get(sop_instance_uid)

    def of_picture(self, pixel_sha256: str) -> Twin | None:
        found = [self._by_pixels.get(pixel_sha256), self._by_pixels.get(f"before {self.before}")]
        return min((twin for twin in found if twin is not None), key=lambda twin: twin.key, default=None)

    def of_another_patient(self, study_uid: str | None, patient: str | None) -> bool:
        return bool(self._patients.get(study_uid, set()) - {patient})

    def add(self, number: int, verdict: Mapping[str, Any]) -> None:
        facts = verdict["facts"]
        twin = Twin(_place(number), verdict["pixels"], number)
        self._by_uid[facts.get("sop_instance_uid")] = twin
        self._by_pixels.setdefault(verdict["pixels"], twin)
        if verdict["before"]:
            self._by_pixels.setdefault(f"before {verdict['before']}", twin)
        self._patients[facts.get("study_uid")].add(facts.get("patient"))


def _place(number: int) -> str:
    return f"file {number} of this folder"


def settle(
    sources: Iterable[Source], state: State, again: Callable[[Source, tuple[Zone, ...]], dict[str, Any]]
) -> Iterator[Settled]:
    """Every file that is no table, in order. ``again`` looks at an original once more with what is known of its device."""
    kept = Kept()
    seen: set[tuple[str, str]] = set()
    masks: defaultdict[Device, deque[Any]] = defaultdict(lambda: deque(maxlen=CONSIDERED))
    for source in sources:
        if source.fault is not None:
            yield Settled(source, "rejected", source.fault["code"], [source.fault])
            continue
        verdict = state.verdict(source) or {"status": "failed", "reason": "WORKER_LOST", "findings": []}
        if "content" in verdict:
            same = (source.name, verdict["content"])
            if same in seen:  # the same path with the same content, from an archive: the server takes it once
                continue
            seen.add(same)
        device = _device(verdict)
        if device is not None and verdict["deid"]["hints"] and (zones := zones_from(reversed(masks[device]))):
            verdict = again(source, zones)
        found = _settled(source, verdict, kept)
        if found.passed:
            kept.add(source.number, verdict)
            if (device := _device(verdict)) is not None:
                masks[device].append(masked(verdict))
        yield found


def _device(verdict: Mapping[str, Any]) -> Device | None:
    facts = verdict.get("facts")
    return None if facts is None else (facts.get("manufacturer"), facts.get("model"))


def _settled(source: Source, verdict: dict[str, Any], kept: Kept) -> Settled:
    status, reason, findings = verdict["status"], verdict["reason"], verdict["findings"]
    if status != "passed":
        return Settled(source, status, reason, findings, verdict)
    kept.before = verdict["before"]
    refused = repetition(ImageFacts.from_dict(verdict["facts"]), verdict["pixels"], kept)
    if refused is None:
        return Settled(source, status, "", findings, verdict)
    told = [refusal(refused.code, refused.message, refused.remedy)]
    twin = refused.twin.key if refused.twin else None
    return Settled(source, refused.status, refused.code, told, verdict, twin)
