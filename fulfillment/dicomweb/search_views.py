"""QIDO-RS (PS3.18 10.6) and metadata (10.4.1.1.2): the header side of a release."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from uuid import UUID

from django.http import HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from fulfillment.dicomweb.headers import as_json, read_header
from fulfillment.dicomweb.matching import BadQuery, Query, parse_query
from fulfillment.dicomweb.media import choose_plain
from fulfillment.dicomweb.objects import open_object
from fulfillment.dicomweb.read_view import JSON_TYPES, ReadView, address, address_of_item, not_acceptable, some
from fulfillment.dicomweb.searching import TooWide, search
from fulfillment.models import ReleaseItem
from getdata.common.problems import CannotDo

_NO_FUZZY = "The fuzzymatching parameter is not supported. Only literal matching has been performed."
_MORE = "The number of results exceeds what one answer gives. Additional results can be requested with offset."


class Search(ReadView):
    """``.../studies``, ``.../series``, ``.../instances``, each within a study or series where the address names it."""

    level = ""

    def get(self, request: Request, release_pk: UUID, study: str = "", series: str = "") -> HttpResponseBase:
        """Search."""
        holding = self.held(request, release_pk)
        media_type = choose_plain(self.accepted(request), JSON_TYPES)
        if media_type is None:
            raise not_acceptable(f"Accept {JSON_TYPES[0]}.")
        pairs = [(name, value) for name, values in request.query_params.lists() for value in values]
        try:
            query = parse_query(pairs, self.level)
            base = self.base(release_pk)
            items = holding.items(study=study, series=series)
            found, more = search(items, self.level, query, address=partial(address, base))
        except BadQuery as error:
            raise CannotDo(
                f"{error.args[0]} cannot be understood.",
                remedy="Use keywords or tags of PS3.6, and whole numbers for limit and offset.",
                code="bad_parameter",
            ) from error
        except TooWide as error:
            raise CannotDo(
                "Too many headers would have to be opened for this search.",
                remedy="Narrow it by PatientID, Modality or a UID.",
                code="too_wide",
            ) from error
        answer = HttpResponse(json.dumps(found), content_type=media_type) if found else HttpResponse(status=204)
        warnings = _warnings(query, more)
        if warnings:
            answer["Warning"] = ", ".join(f'299 GetDATA "{text}"' for text in warnings)
        return answer


def _warnings(query: Query, more: bool) -> list[str]:
    found = [_NO_FUZZY] if query.fuzzy else []
    if query.ignored:
        found.append(f"Not matched, since searches here do not know them: {', '.join(query.ignored[:10])}.")
    return [*found, _MORE] if more else found


class Metadata(ReadView):
    """``.../metadata`` of a study, a series or an instance."""

    def get(
        self, request: Request, release_pk: UUID, study: str, series: str = "", instance: str = ""
    ) -> HttpResponseBase:
        """The headers, in the DICOM JSON Model."""
        holding = self.held(request, release_pk)
        items = some(holding.items(study=study, series=series, instance=instance))
        media_type = choose_plain(self.accepted(request), JSON_TYPES)
        if media_type is None:
            raise not_acceptable(f"Accept {JSON_TYPES[0]}.")
        holding.note(items, "metadata")
        return StreamingHttpResponse(_documents(items, self.base(release_pk)), content_type=media_type)


def _documents(items: list[ReleaseItem], base: str) -> Iterator[bytes]:
    """One header at a time, so that a large study costs no more memory than a small one."""
    yield b"["
    for number, item in enumerate(items):
        place = address_of_item(base, item)
        with open_object(item.image.stored) as handle:
            document = as_json(read_header(handle), lambda path, place=place: f"{place}/bulkdata/{path}")  # type: ignore[misc]
        yield (b"," if number else b"") + json.dumps(document).encode()
    yield b"]"
