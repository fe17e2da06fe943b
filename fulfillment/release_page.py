"""What the page of a release shows beside its state: figures as charts, versions, how to load and how to cite."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.urls import reverse

from fulfillment.meter import standing_labels
from fulfillment.models import NOT_OUT, BatchStatus, Image, Release
from fulfillment.release.citing import Citable, as_bibtex, as_text
from fulfillment.release.loading import CROISSANT, Snippet, snippets
from fulfillment.services.grants import agreed_specs
from getdata.accounts.models import User
from getdata.common.charts import Chart, bar_chart, stacked_chart

#: Bars of one chart; the rest is said together.
BARS = 8


@dataclass(frozen=True)
class Version:
    """One release of the request beside the others. ``added`` and ``gone``: images against the one before; None for the first."""

    release: Release
    images: int
    added: int | None
    gone: int | None
    published_at: datetime | None


def figures(release: Release, user: User) -> list[Chart]:
    """Age, makers, findings and sources of the images that this person may know of. Views and sexes have charts already."""
    images = Image.objects.visible_to(user).filter(release_items__release=release)
    labels = standing_labels().filter(image__in=images, batch__status=BatchStatus.ACCEPTED)
    ages: dict[str, float] = {}
    for age, count in images.values_list("age_years").order_by().annotate(n=Count("pk")):
        ages[_band(age)] = ages.get(_band(age), 0) + count
    makers: Counter[str] = Counter()
    for maker, count in images.values_list("facts__manufacturer").order_by().annotate(n=Count("pk")):
        makers[maker or "not stated"] += count
    found: dict[str, dict[str, int]] = {}
    for finding, state, count in labels.values_list("finding", "state").order_by().annotate(n=Count("pk")):
        found.setdefault(finding, {})[state] = count
    charts = []
    if ages:
        charts.append(bar_chart(sorted(ages.items(), key=_by_age), title="Age", unit="images", name="Age"))
    if makers:
        charts.append(bar_chart(_most(makers), title="Makers of the devices", unit="images", name="Maker"))
    if found:
        charts.append(_findings(found))
    return charts


_STATES = ("present", "likely", "possible", "absent", "not_mentioned")
_SAID = ("Present", "Likely", "Possible", "Absent", "Not mentioned")


def _findings(found: dict[str, dict[str, int]]) -> Chart:
    most = sorted(found, key=lambda finding: (-found[finding].get("present", 0), finding))[:BARS]
    rows = [(finding, [found[finding].get(state, 0) for state in _STATES]) for finding in most]
    more = len(found) - len(most)
    title = f"Labels by finding{f' (and {more} more)' if more else ''}"
    return stacked_chart(rows, _SAID, title=title, unit="labels", name="Finding")


def _band(age: int | None) -> str:
    if age is None:
        return "not stated"
    if age >= 90:
        return "90 and over"
    low = age - age % 10
    return f"{low} to {low + 9}"


def _by_age(pair: tuple[str, float]) -> int:
    return int(pair[0].split()[0]) if pair[0][0].isdigit() else 1000


def _most(counted: Counter[str]) -> list[tuple[str, float]]:
    rows: list[tuple[str, float]] = list(counted.most_common(BARS))
    rest = sum(counted.values()) - sum(int(value) for _, value in rows)
    return [*rows, ("others", rest)] if rest else rows


def versions(release: Release, user: User) -> list[Version]:
    """All published releases of the request that this person sees, newest first, with what changed."""
    rows = list(
        Release.objects.visible_to(user)
        .filter(request=release.request)
        .exclude(status__in=NOT_OUT)
        .annotate(images=Count("items"))
        .order_by("number")
    )
    made: list[Version] = []
    for index, row in enumerate(rows):
        added = gone = None
        if index:
            before = rows[index - 1].items.values("image")
            added = row.items.exclude(image__in=before).count()
            gone = rows[index - 1].items.exclude(image__in=row.items.values("image")).count()
        made.append(Version(row, row.images, added, gone, row.published_at))
    return made[::-1]


def loading(release: Release, chosen: str) -> dict[str, Any]:
    """The snippets, and the one whose tab is open."""
    paths = set(release.files.filter(path=CROISSANT).values_list("path", flat=True))
    listed = snippets(
        name=release.archive_name, release=str(release.pk), server=settings.PUBLIC_URL.rstrip("/"), paths=paths
    )
    shown: Snippet = next((one for one in listed if one.key == chosen), listed[0])
    return {"snippets": listed, "shown": shown}


def citing(release: Release) -> dict[str, Any] | None:
    """Text and BibTeX of a published release, and the credit that the agreements ask for."""
    if release.published_at is None:
        return None
    citable = Citable(
        name=release.archive_name,
        title=release.request.title,
        number=release.number,
        published=release.published_at.date(),
        sha256=release.archive_sha256,
        address=f"{settings.PUBLIC_URL.rstrip('/')}{reverse('release_detail', args=[release.pk])}",
    )
    credit = sorted({spec.terms.attribution for spec in agreed_specs(release) if spec.terms.attribution})
    return {"text": as_text(citable), "bibtex": as_bibtex(citable), "credit": credit}
