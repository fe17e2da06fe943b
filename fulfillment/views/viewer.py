"""The viewer: its page, the JSON that says how to draw an image, and the image's stored values."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_safe
from pydicom.errors import InvalidDicomError

from fulfillment.dicomweb.headers import read_header
from fulfillment.dicomweb.objects import open_object
from fulfillment.dicomweb.pictures import NoPicture
from fulfillment.models import Image
from fulfillment.services.before_pictures import ask_for_picture, may_compare, picture_of
from fulfillment.viewer.access import KEY_SECONDS, Look, key_for, look_at, require_key
from fulfillment.viewer.display import BAD_VALUE, describe
from fulfillment.viewer.layers import layers_of, statements_of
from fulfillment.viewer.places import places_of, view_url
from fulfillment.viewer.values import FORMS, stored_values
from getdata.accounts.idle import shows_identity
from getdata.accounts.second_factor import second_factor_required
from getdata.common import storage
from getdata.common.problems import CannotDo

_STATUS = {
    "busy": 503,
    "address_expired": 403,
    "no_picture": 422,
    "no_frame": 404,
    "unreachable": 503,
}


def _look(request: HttpRequest, pk: UUID) -> Look:
    return look_at(request.user, pk, _uuid(request.GET.get("release")))


def _uuid(text: str | None) -> UUID | None:
    if not text:
        return None
    try:
        return UUID(text)
    except ValueError as error:
        raise Http404 from error


def _frame(request: HttpRequest) -> int:
    text = request.GET.get("frame", "1")
    if not (text.isascii() and text.isdigit() and len(text) < 6 and int(text) >= 1):
        raise Http404
    return int(text)


@login_required
@second_factor_required("download")
@require_safe
@shows_identity
def image_viewer(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The dark room for one image, and with ``?beside=<id>`` for two."""
    look = _look(request, pk)
    beside = _uuid(request.GET.get("beside"))
    other = look_at(request.user, beside) if beside else None
    context: dict[str, Any] = {
        "image": look.image,
        "look": look,
        "batch": look.image.source.batch,
        "description": _description_url(look, look.image),
        "beside": _description_url(other, other.image) if other else "",
    }
    response = render(request, "fulfillment/viewer/image.html", context)
    response["Cache-Control"] = "private, no-store"
    return response


def _description_url(look: Look, image: Image) -> str:
    address = reverse("image_description", args=[image.pk])
    return f"{address}?release={look.release.pk}" if look.release is not None else address


@login_required
@require_safe
def image_description(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Everything that is needed to draw the image and to go on from it, with the short-lived address of its values."""
    look, frame = _look(request, pk), _frame(request)
    image = look.image
    try:
        with open_object(image.stored) as handle:
            drawn = describe(read_header(handle))
    except FileNotFoundError as error:
        raise Http404 from error
    except (InvalidDicomError, EOFError, *BAD_VALUE) as error:  # the page says so instead of staying black
        return _refusal(_no_picture(error))
    if frame > drawn["frames"]:
        raise Http404
    layers, left_out = layers_of(look)
    query = {"key": key_for(look, frame=frame, session=_session(request)), "frame": frame}
    if look.release is not None:
        query["release"] = str(look.release.pk)
    body = {
        "id": str(image.pk),
        "title": f"File {image.source.number} of {image.source.batch}",
        "words": _words(look),
        "page": view_url(look, image),
        "detail": reverse("image_detail", args=[image.pk]) if look.sees_evidence else "",
        "preview": reverse("image_preview", args=[image.pk]) if look.sees_evidence and image.preview else "",
        "before": reverse("image_before", args=[image.pk]) if may_compare(look) else "",
        "frame": frame,
        "display": drawn,
        "values": {
            "url": f"{reverse('image_values', args=[image.pk])}?{urlencode(query)}",
            "seconds": KEY_SECONDS,
        },
        "layers": layers,
        "shapes_left_out": left_out,
        "labels": statements_of(look),
        "places": places_of(look),
    }
    return _private(JsonResponse(body))


def _words(look: Look) -> list[list[str]]:
    """What is said beside the picture: (what, value)."""
    image = look.image
    facts: dict[str, Any] = image.facts
    age = f"{image.age_years} years" if image.age_years is not None else "not stated"
    rows = [
        ["View", image.view or "not stated"],
        ["Sex", image.sex or "not stated"],
        ["Age", age],
        ["Patient", image.series.study.patient.pseudonym],
    ]
    maker = " ".join(str(facts[name]) for name in ("vendor", "model") if facts.get(name))
    return [*rows, ["Device", maker or "not stated"]]


@login_required
@second_factor_required("download")
@require_GET
def image_values(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The stored values of one frame, for the person and the session that the address was made for. Each look is noted first."""
    look, frame = _look(request, pk), _frame(request)
    form = request.GET.get("form", "plain")
    try:
        require_key(request.GET.get("key", ""), look, frame=frame, session=_session(request))
        values = stored_values(look.image.stored, frame=frame, form=form if form in FORMS else "plain")
    except CannotDo as refusal:
        return _refusal(refusal)
    except NoPicture as error:
        return _refusal(_no_picture(error))
    except storage.Unreachable:
        return _refusal(
            CannotDo("The store of images does not answer.", remedy="Try again in a minute.", code="unreachable")
        )
    except FileNotFoundError as error:
        raise Http404 from error
    look.note()
    response = HttpResponse(values.data, content_type="application/octet-stream")
    if values.encoding:
        response["Content-Encoding"] = values.encoding
    response["Content-Disposition"] = "attachment"  # nobody opens this by itself
    return _private(response)


@login_required
@require_http_methods(["GET", "POST"])
@shows_identity
def image_before(request: HttpRequest, pk: UUID) -> HttpResponse:
    """A picture of the original, for permitted roles of its hospital. POST has it drawn, GET gives it; each look is recorded."""
    look = look_at(request.user, pk)
    if not may_compare(look):
        raise Http404
    if request.method == "POST":
        ask_for_picture(look)
        return _private(JsonResponse({"state": "asked"}, status=202))
    try:
        picture = picture_of(look)
    except CannotDo as refusal:
        return _refusal(refusal)
    if picture is None:
        return _private(JsonResponse({"state": "not drawn"}, status=202))
    return _private(HttpResponse(picture, content_type="image/png"))


def _session(request: HttpRequest) -> str:
    return request.session.session_key or ""


def _private(response: HttpResponse) -> HttpResponse:
    response["Cache-Control"] = "private, no-store"
    response["X-Content-Type-Options"] = "nosniff"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response["Cross-Origin-Resource-Policy"] = "same-origin"
    return response


def _no_picture(error: Exception) -> CannotDo:
    if isinstance(error, NoPicture) and error.args[0] == "frame":
        return CannotDo("The image has no such frame.", remedy="Open its first frame.", code="no_frame")
    return CannotDo(
        "The pixels of this image cannot be decoded here.",
        remedy="Send the image back to the hospital with a note, or look at its preview.",
        code="no_picture",
    )


def _refusal(refusal: CannotDo) -> HttpResponse:
    body = {"code": refusal.code, "detail": refusal.message, "remedy": refusal.remedy}
    response = JsonResponse(body, status=_STATUS[refusal.code], content_type="application/problem+json")
    if refusal.code in ("busy", "unreachable"):
        response["Retry-After"] = "5"
    return _private(response)
