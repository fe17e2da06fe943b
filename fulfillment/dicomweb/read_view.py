"""What every door of QIDO-RS and WADO-RS has in common: signing in, the grant, the answers to viewers on other sites."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fulfillment.dicomweb.media import Acceptable, parse_accept
from fulfillment.dicomweb.related import Part, new_boundary, write_related
from fulfillment.dicomweb.released import Held, held
from fulfillment.dicomweb.sign_in import SIGN_IN, Unnegotiated
from fulfillment.models import ReleaseItem
from getdata.accounts.models import User
from getdata.common.problems import CannotDo, problem

JSON_TYPES = ("application/dicom+json", "application/json")
_STATUS = {"not_acceptable": 406, "bad_parameter": 400, "too_wide": 413, "busy": 503, "no_picture": 406}


class ReadView(APIView):
    """A door that only reads, for holders of a live grant; to everyone else nothing is behind it."""

    scope = "releases"
    schema = None  # described by docs/dicomweb.md and by the standard, not by the API's document
    authentication_classes = SIGN_IN
    content_negotiation_class = Unnegotiated
    http_method_names = ["get", "options"]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if request.method == "OPTIONS":  # a browser asks before it sends a token
            answer: HttpResponseBase = HttpResponse(status=204, headers={"Allow": "GET, OPTIONS"})
        else:
            answer = super().dispatch(request, *args, **kwargs)
        return _for_other_sites(request, answer)

    def handle_exception(self, exc: Exception) -> Response:
        if isinstance(exc, CannotDo) and exc.code in _STATUS:
            answer = problem(_STATUS[exc.code], code=exc.code, detail=exc.message, remedy=exc.remedy)
            if exc.code == "busy":
                answer["Retry-After"] = "5"
            return answer
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "private, no-store"
        return response

    def held(self, request: Request, release_pk: UUID) -> Held:
        """The release, or ``Http404``."""
        assert isinstance(request.user, User)  # ScopedAccess lets nobody else through
        return held(release_pk, request.user)

    def accepted(self, request: Request) -> list[Acceptable]:
        """What the client accepts, by header or, for links, by the parameter ``accept``."""
        return parse_accept(request.query_params.get("accept") or request.headers.get("Accept", ""))

    def base(self, release_pk: UUID) -> str:
        """The release's DICOMweb address, without a slash at its end. Not by the Host header: some clients leave the port out."""
        return f"{settings.PUBLIC_URL}/dicomweb/releases/{release_pk}"


def some(items: Iterable[ReleaseItem]) -> list[ReleaseItem]:
    """The items, or ``Http404`` when there are none."""
    found = list(items)
    if not found:
        raise Http404
    return found


def address(base: str, study: str = "", series: str = "", instance: str = "") -> str:
    """Where a study, a series or an instance is."""
    text = f"{base}/studies/{study}"
    if series:
        text += f"/series/{series}"
    if instance:
        text += f"/instances/{instance}"
    return text


def address_of_item(base: str, item: ReleaseItem) -> str:
    """Where an instance is."""
    image = item.image
    return address(
        base, image.series.study.study_instance_uid, image.series.series_instance_uid, image.sop_instance_uid
    )


def not_acceptable(remedy: str) -> CannotDo:
    """Nothing of what the client accepts can be sent."""
    return CannotDo("What is accepted cannot be sent.", remedy=remedy, code="not_acceptable")


def related(parts: Iterable[Part], media_type: str) -> StreamingHttpResponse:
    """A ``multipart/related`` answer, streamed."""
    boundary = new_boundary()
    return StreamingHttpResponse(
        write_related(parts, boundary),
        content_type=f'multipart/related; type="{media_type}"; boundary="{boundary}"',
    )


def _for_other_sites(request: HttpRequest, answer: HttpResponseBase) -> HttpResponseBase:
    """Let a viewer on one of the named sites read the answer. It must send a token: cookies do not travel there."""
    origin = request.headers.get("Origin", "")
    if origin and origin in settings.DICOMWEB_ORIGINS:
        answer["Access-Control-Allow-Origin"] = origin
        answer["Access-Control-Allow-Methods"] = "GET, OPTIONS"
        answer["Access-Control-Allow-Headers"] = "Authorization, Accept, Content-Type"
        answer["Access-Control-Expose-Headers"] = "Content-Type, Warning, Content-Location"
        answer["Access-Control-Max-Age"] = "600"
        answer["Vary"] = "Origin"
    return answer
