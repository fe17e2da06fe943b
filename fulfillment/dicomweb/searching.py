"""Searches for studies, series and instances of a release (PS3.18 10.6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from typing import Any

from django.core.cache import cache
from django.db.models import Count, Min, QuerySet
from pydicom.datadict import dictionary_VR, tag_for_keyword

from fulfillment.dicomweb.headers import as_json, read_header
from fulfillment.dicomweb.matching import INSTANCE, KEPT, MORE, RETURNED, SERIES, STUDY, Query, levels_of, matches
from fulfillment.dicomweb.objects import open_object
from fulfillment.models import ReleaseItem

#: Headers that one search may open to match what the database does not know.
MAX_OPENED = 2000
_KEEP_SECONDS = 3600
_STUDY, _SERIES, _INSTANCE = (
    "image__series__study__study_instance_uid",
    "image__series__series_instance_uid",
    "image__sop_instance_uid",
)
_PATIENT, _MODALITY = "image__series__study__patient__pseudonym", "image__series__modality"
#: Attributes the database knows as they stand in the header.
_COLUMNS = {
    "StudyInstanceUID": _STUDY,
    "SeriesInstanceUID": _SERIES,
    "SOPInstanceUID": _INSTANCE,
    "PatientID": _PATIENT,
    "Modality": _MODALITY,
}
_GROUPS = {
    STUDY: (_PATIENT, _STUDY),
    SERIES: (_PATIENT, _STUDY, _SERIES),
    INSTANCE: (_PATIENT, _STUDY, _SERIES, _INSTANCE),
}

Document = dict[str, Any]


class TooWide(Exception):
    """The search would open more headers than one request may."""


def search(
    items: QuerySet[ReleaseItem], level: str, query: Query, *, address: Callable[..., str]
) -> tuple[list[Document], bool]:
    """The page of results, and whether there are more. ``address(study, series, instance)`` makes RetrieveURL.

    Raises ``TooWide``.
    """
    rows, in_headers = _narrowed(items, query)
    groups = (
        rows.values(*_GROUPS[level])
        .annotate(
            key=Min("image__stored"),
            instances=Count("pk", distinct=True),
            series=Count("image__series", distinct=True),
        )
        .order_by(*_GROUPS[level])
    )
    wanted = query.limit + 1
    if in_headers:
        with closing(groups.iterator(chunk_size=500)) as found_groups:  # a cursor is not left open behind a page
            page = _take(_matching(found_groups, in_headers), query.offset, wanted)
    else:
        page = list(groups[query.offset : query.offset + wanted])
    found, more = page[: query.limit], len(page) > query.limit
    modalities = _modalities(items, [group[_STUDY] for group in found]) if level == STUDY else {}
    return [_result(group, level, query, modalities, address) for group in found], more


def _narrowed(items: QuerySet[ReleaseItem], query: Query) -> tuple[QuerySet[ReleaseItem], dict[str, str]]:
    """What the database can filter, and what is left to match in headers."""
    left: dict[str, str] = {}
    for keyword, value in query.match.items():
        column = _COLUMNS.get(keyword)
        values = [one.strip() for one in value.replace("\\", ",").split(",")]
        if keyword == "ModalitiesInStudy":
            items = items.filter(image__series__study__series__modality__in=values)
        elif column and dictionary_VR(keyword) == "UI":
            items = items.filter(**{f"{column}__in": values})
        elif column and not set("*?") & set(value):
            items = items.filter(**{f"{column}__iexact": value})
        else:
            left[keyword] = value
    return items, left


def _matching(groups: Iterable[Document], wanted: dict[str, str]) -> Iterator[Document]:
    for opened, group in enumerate(groups):
        if opened >= MAX_OPENED:
            raise TooWide
        header = kept_header(group["key"])
        if all(matches(value, keyword, _values(header, keyword)) for keyword, value in wanted.items()):
            yield group


def _take(groups: Iterator[Document], offset: int, count: int) -> list[Document]:
    page = []
    for at, group in enumerate(groups):
        if at >= offset:
            page.append(group)
        if len(page) == count:
            break
    return page


def _values(header: Document, keyword: str) -> list[Any]:
    return list(header.get(_tag(keyword), {}).get("Value", []))


def _tag(keyword: str) -> str:
    return f"{tag_for_keyword(keyword) or 0:08X}"


_KEPT_TAGS = frozenset(_tag(keyword) for keyword in KEPT) | {"00083002"}


def kept_header(key: str) -> Document:
    """The attributes that searches know, of one stored instance; kept for an hour, since opening it costs."""
    name = f"dicomweb/1/{key}"
    found: Document | None = cache.get(name)
    if found is None:
        found = {tag: value for tag, value in _header(key).items() if tag in _KEPT_TAGS}
        cache.set(name, found, _KEEP_SECONDS)
    return found


def _header(key: str) -> Document:
    with open_object(key) as handle:
        return as_json(read_header(handle), lambda path: "", pixels=False)


def _modalities(items: QuerySet[ReleaseItem], studies: list[str]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {}
    for study, modality in (
        items.filter(**{f"{_STUDY}__in": studies}).values_list(_STUDY, _MODALITY).distinct().order_by()
    ):
        found.setdefault(study, set()).add(modality)
    return {study: sorted(values) for study, values in found.items()}


def _result(
    group: Document, level: str, query: Query, modalities: dict[str, list[str]], address: Callable[..., str]
) -> Document:
    header = kept_header(group["key"])
    given = [keyword for each in levels_of(level) for keyword in RETURNED[each]]
    if query.everything:
        given += [keyword for each in levels_of(level) for keyword in MORE[each]]
    asked = [keyword for keyword in query.include if keyword not in given]
    if set(asked) - set(KEPT):
        header = _header(group["key"])
    result = {_tag(keyword): header[_tag(keyword)] for keyword in (*given, *asked) if _tag(keyword) in header}
    study = group[_STUDY]
    if level == STUDY:
        result["00080061"] = {"vr": "CS", "Value": modalities.get(study, [])}
        result["00201206"] = {"vr": "IS", "Value": [group["series"]]}
        result["00201208"] = {"vr": "IS", "Value": [group["instances"]]}
    if level == SERIES:
        result["00201209"] = {"vr": "IS", "Value": [group["instances"]]}
    if level == INSTANCE and "00083002" in header:
        result["00083002"] = header["00083002"]
    result["00080056"] = {"vr": "CS", "Value": ["ONLINE"]}
    result["00081190"] = {"vr": "UR", "Value": [address(study, group.get(_SERIES, ""), group.get(_INSTANCE, ""))]}
    return dict(sorted(result.items()))
