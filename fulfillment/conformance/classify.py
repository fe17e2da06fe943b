"""Which lines an image matches, told once for all images that look the same to the request.

A request asks about few things: a projection, a sex, some ages, some findings. Images that answer alike match the same
lines, so a delivery of 50,000 is a few hundred kinds and each kind is compared with the lines once.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.match import LabelReader, completed_years, matcher, reports_bind
from requests_app.spec.document import DatasetSpec
from requests_app.spec.selector import Selector


class Classifier:
    """``lines(image)`` is the set of selections that the image matches, as bits (bit i is selection i)."""

    def __init__(self, spec: DatasetSpec, selectors: Sequence[Selector]) -> None:
        self._reader = LabelReader(spec)
        self._reports = reports_bind(spec)
        self._tests = [matcher(selector, spec, self._reader) for selector in selectors]
        edges = {s.age_min for s in selectors if s.age_min is not None}
        edges |= {s.age_max + 1 for s in selectors if s.age_max is not None}
        self._edges = sorted(edges)
        self._vendor = any(s.vendor is not None for s in selectors)
        self._site = any(s.site is not None for s in selectors)
        self._findings = tuple(dict.fromkeys(self._reader.key(s.finding) for s in selectors if s.finding is not None))
        self._known: dict[Hashable, int] = {}
        self._said: dict[Hashable, Hashable] = {}

    def lines(self, facts: ImageFacts) -> int:
        """The selections that this image fills, as bits: none while the report that the request requires is missing."""
        if self._reports and facts.report_linked is False:
            return 0
        years = completed_years(facts) if self._edges else None
        kind = (
            facts.view,
            facts.position,
            bool(facts.portable),
            facts.sex,
            None if years is None else bisect_right(self._edges, years),
            facts.vendor if self._vendor else None,
            facts.site if self._site else None,
            self._labels(facts) if self._findings else None,
        )
        found = self._known.get(kind)
        if found is None:
            found = sum(1 << index for index, selected in enumerate(self._tests) if selected(facts))
            self._known[kind] = found
        return found

    def _labels(self, facts: ImageFacts) -> Hashable:
        """What the findings that the request counts by count as; None while there are no labels."""
        if facts.statements is not None:
            return tuple(self._reader.counts_as(facts, finding) for finding in self._findings)
        if facts.labels is None:
            return None
        written = tuple(facts.labels.items())
        if written not in self._said:
            self._said[written] = tuple(self._reader.counts_as(facts, finding) for finding in self._findings)
        return self._said[written]
