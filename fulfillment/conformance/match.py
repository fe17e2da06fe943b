"""Does an image belong to a selection of the request?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import floor

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.labelled import Weighed, weigh
from fulfillment.labels.statement import Statement
from requests_app.spec.document import DatasetSpec
from requests_app.spec.lines import FindingLine
from requests_app.spec.selector import Selector
from requests_app.spec.vendors import canonical_vendor
from requests_app.spec.vocabulary import Level, ReportLinkage
from requests_app.taxonomy import LabelState, normalise_name

# Membership in an Enum is an error, not False, for a plain string before Python 3.12.
_STATES = frozenset(state.value for state in LabelState)


def completed_years(facts: ImageFacts) -> int | None:
    """Age in completed years."""
    return None if facts.age_years is None else floor(facts.age_years)


class LabelReader:
    """What an image's labels count as under the request's uncertainty policy, where they are made as it asks."""

    def __init__(self, spec: DatasetSpec) -> None:
        self._taxonomy = spec.taxonomy()
        self._policy = spec.labels.uncertainty
        self._keys: dict[str, str] = {}
        self._lines: dict[str, FindingLine] = {}
        for line in spec.labels.findings:
            self._lines.setdefault(self.key(line.finding), line)
        self._weighed: dict[tuple[str, tuple[Statement, ...]], Weighed] = {}

    def key(self, name: str) -> str:
        """The taxonomy's key of a finding's name; an unknown name is its own key."""
        if name not in self._keys:
            found = self._taxonomy.find(name)
            self._keys[name] = found.key if found else normalise_name(name)
        return self._keys[name]

    def states(self, labels: Mapping[str, str] | None) -> dict[str, LabelState]:
        """The labels by key, as states. A word that is no state is left out; label tables report those."""
        found: dict[str, LabelState] = {}
        for name, state in (labels or {}).items():
            if state in _STATES:
                found[self.key(name)] = LabelState(state)
        return found

    def weigh(self, facts: ImageFacts, finding: str) -> Weighed:
        """What one finding's labels on this image count as, and what they lack.

        Where it is not known how labels were made (``statements`` is None), their states are taken as they are.
        """
        key = self.key(finding)
        if facts.statements is not None:
            said = tuple(one for name, several in facts.statements.items() if self.key(name) == key for one in several)
            found = self._weighed.get((key, said))
            if found is None:
                found = self._weighed[key, said] = weigh(said, self._lines.get(key), self._policy)
            return found
        if facts.labels is None:
            # An image whose labels have not come cannot count as absent.
            return Weighed("blank")
        return Weighed(self._policy.resolve(self.states(facts.labels).get(key, LabelState.NOT_MENTIONED)))

    def counts_as(self, facts: ImageFacts, finding: str) -> str:
        """ "present", "absent", "uncertain" or "blank" for one finding."""
        return self.weigh(facts, finding).counts_as


def reports_bind(spec: DatasetSpec) -> bool:
    """Whether an image that is known to have no report fills no line."""
    return spec.reports.linkage is ReportLinkage.REQUIRED and spec.reports.level is Level.MUST


def matcher(selector: Selector, spec: DatasetSpec, reader: LabelReader | None = None) -> Callable[[ImageFacts], bool]:
    """A function that says whether an image is selected. What is not known of an image never matches.

    The exception is `portable: false`: headers only ever say that an image is portable, so silence counts
    as not portable.
    """
    labels = reader or LabelReader(spec)
    vendor = canonical_vendor(selector.vendor) if selector.vendor else None
    vendor_key = (vendor or selector.vendor or "").casefold()

    def selected(facts: ImageFacts) -> bool:
        if selector.view is not None and not selector.view.covers(facts.view):
            return False
        if selector.position is not None and facts.position != selector.position.value:
            return False
        if selector.portable is not None and bool(facts.portable) != selector.portable:
            return False
        if selector.sex is not None and facts.sex != selector.sex.value:
            return False
        if selector.age_min is not None or selector.age_max is not None:
            age = completed_years(facts)
            if age is None:
                return False
            if selector.age_min is not None and age < selector.age_min:
                return False
            if selector.age_max is not None and age > selector.age_max:
                return False
        if selector.vendor is not None and (facts.vendor or "").casefold() != vendor_key:
            return False
        if selector.site is not None and (facts.site or "").casefold() != selector.site.casefold():
            return False
        if selector.finding is not None:
            return labels.counts_as(facts, selector.finding) == selector.finding_state
        return True

    return selected


def matches(facts: ImageFacts, selector: Selector, spec: DatasetSpec) -> bool:
    """True if the image is selected; for many images, make a `matcher` once."""
    return matcher(selector, spec)(facts)
