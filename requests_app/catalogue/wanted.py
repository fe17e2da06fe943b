"""What somebody looks for: the state of a list of requests, which is its address and what a saved search keeps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from django.http import QueryDict
from django.utils.text import capfirst

from requests_app.catalogue.snapshot import SIZES
from requests_app.models import Category
from requests_app.spec import AnnotationType, ReportLinkage, View

#: Facets in which several values may be chosen, with their values in order; findings are whatever requests ask for.
CHOICES: dict[str, dict[str, str]] = {
    "category": dict(Category.choices),
    "projection": {view.value: capfirst(view.plain) for view in View},
    "finding": {},
    "annotation": {kind.value: kind.plain.capitalize() for kind in AnnotationType},
    "reports": {
        ReportLinkage.REQUIRED.value: "Required",
        ReportLinkage.OPTIONAL.value: "Welcome",
        ReportLinkage.NONE.value: "Not asked for",
    },
    "images": {value: label for value, label, _ in SIZES},
    "status": {"open": "Open", "closed": "Closed"},
}
DEADLINES = {"30": "Within 30 days", "90": "Within 90 days", "180": "Within 180 days", "later": "Later than that"}
LABELS = {
    "category": "Category",
    "projection": "Projection",
    "finding": "Finding",
    "annotation": "Annotation",
    "reports": "Radiology reports",
    "images": "Images asked for",
    "deadline": "Deadline",
    "status": "State",
}
#: With words to look for, the best match comes first unless another order is asked for; else the newest.
SORTS = {
    "best": "Best match, else newest",
    "newest": "Newest first",
    "deadline": "Deadline, soonest first",
    "still": "Most still needed first",
    "largest": "Most images first",
    "smallest": "Fewest images first",
}
MAX_TEXT, MAX_VALUES = 200, 30


@dataclass(frozen=True)
class Wanted:
    """Words, the values chosen in each facet (empty: any), a deadline and an order."""

    q: str = ""
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    deadline: str = ""
    sort: str = ""

    @classmethod
    def read(cls, query: QueryDict) -> Wanted:
        """From an address; values that no list has are left out, except findings, which then find nothing."""
        chosen = {}
        for name, known in CHOICES.items():
            values = dict.fromkeys(value.strip()[:120] for value in query.getlist(name)[:MAX_VALUES])
            kept = tuple(value for value in values if value and (value in known or not known))
            if kept:
                chosen[name] = kept
        deadline, sort = query.get("deadline", ""), query.get("sort", "")
        return cls(
            q=" ".join(query.get("q", "").replace("\x00", "").split())[:MAX_TEXT],
            chosen=chosen,
            deadline=deadline if deadline in DEADLINES else "",
            sort=sort if sort in SORTS else "",
        )

    @classmethod
    def of(cls, address: str) -> Wanted:
        """From what :meth:`query` gave."""
        return cls.read(QueryDict(address))

    def values(self, name: str) -> tuple[str, ...]:
        """What is chosen in one facet."""
        return self.chosen.get(name, ())

    @property
    def order(self) -> str:
        """The order in force. Without words nothing matches better than anything else."""
        if self.sort and (self.sort != "best" or self.q):
            return self.sort
        return "best" if self.q else "newest"

    @property
    def is_narrowed(self) -> bool:
        """Whether anything but the order was chosen."""
        return bool(self.q or self.chosen or self.deadline)

    def within(self, category: str) -> Wanted:
        """The same, in one category: for the pages and feeds of a category."""
        return replace(self, chosen={**self.chosen, "category": (category,)})

    def with_words(self, text: str) -> Wanted:
        """The same with other words to look for."""
        return replace(self, q=text)

    def without(self, name: str, value: str = "") -> Wanted:
        """Without one value, or without all of a facet."""
        if name == "q":
            return replace(self, q="")
        if name == "deadline":
            return replace(self, deadline="")
        if name == "sort":
            return replace(self, sort="")
        rest = tuple(other for other in self.values(name) if value and other != value)
        return replace(self, chosen={k: v for k, v in {**self.chosen, name: rest}.items() if v})

    def query(self, **more: str) -> str:
        """The address's query, always in the same order: two searches for the same are the same text."""
        query = QueryDict(mutable=True)
        if self.q:
            query["q"] = self.q
        for name in CHOICES:
            if self.values(name):
                query.setlist(name, list(self.values(name)))
        for name, value in (("deadline", self.deadline), ("sort", self.sort), *more.items()):
            if value:
                query[name] = value
        return query.urlencode()

    def parts(self) -> Iterable[tuple[str, str, str]]:
        """``(name, value, words)`` of everything in force, as chips show it."""
        if self.q:
            yield "q", self.q, f"“{self.q}”"
        for name, known in CHOICES.items():
            for value in self.values(name):
                yield name, value, f"{LABELS[name]}: {known.get(value, value)}"
        if self.deadline:
            yield "deadline", self.deadline, f"{LABELS['deadline']}: {DEADLINES[self.deadline].lower()}"

    def in_words(self) -> str:
        """What is looked for, for the name of a saved search and the title of a feed."""
        said = [f"“{self.q}”"] if self.q else []
        for name, known in CHOICES.items():
            values = [known.get(value, value) for value in self.values(name)]
            if values:
                said.append(f"{_PREFIX.get(name, '')}{' or '.join(values)}")
        if self.deadline:
            said.append(f"due {DEADLINES[self.deadline].lower()}")
        return ", ".join(said) or "All open requests"


_PREFIX = {"reports": "reports ", "images": "images ", "status": "state "}
