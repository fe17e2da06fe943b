"""WADO-RS (PS3.18 10.4): instances, frames, rendered pictures, bulk data."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from fulfillment.dicomweb import pictures
from fulfillment.dicomweb.headers import PIXEL_DATA, bulk_value, read_header, syntax_of
from fulfillment.dicomweb.media import EXPLICIT_LE, Choice, choose_frame, choose_instance, choose_plain
from fulfillment.dicomweb.objects import blocks_of, open_object
from fulfillment.dicomweb.read_view import ReadView, address_of_item, not_acceptable, related, some
from fulfillment.dicomweb.related import Part
from fulfillment.dicomweb.released import Held
from fulfillment.models import ReleaseItem
from fulfillment.viewer.values import decoding_turn
from getdata.common import storage
from getdata.common.problems import CannotDo

_MAX_FRAMES = 64
_PICTURES = ("image/jpeg", "image/png")
_THUMBNAIL = (128, 128)


def _whole(item: ReleaseItem) -> bytes:
    return storage.get(storage.released(), item.image.stored)


def _stored_syntax(item: ReleaseItem) -> str:
    with open_object(item.image.stored) as handle:
        return syntax_of(read_header(handle))


class Instances(ReadView):
    """A study, a series or an instance."""

    def get(
        self, request: Request, release_pk: UUID, study: str, series: str = "", instance: str = ""
    ) -> HttpResponseBase:
        """Instances as ``multipart/related``; a single one also alone."""
        holding = self.held(request, release_pk)
        items = some(holding.items(study=study, series=series, instance=instance))
        accepted = self.accepted(request)
        chosen = [(item, choose_instance(accepted, _stored_syntax(item))) for item in items]
        if any(choice is None or not (choice.multipart or instance) for _, choice in chosen):
            raise not_acceptable('Accept multipart/related; type="application/dicom"; transfer-syntax=*.')
        holding.note(items, "instance")
        base = self.base(release_pk)
        if not all(choice is not None and choice.multipart for _, choice in chosen):
            item, choice = chosen[0]
            assert choice is not None
            return StreamingHttpResponse(_blocks(item, choice), content_type=_instance_type(choice))
        parts = (
            Part(_instance_type(choice), _blocks(item, choice), address_of_item(base, item))
            for item, choice in chosen
            if choice is not None
        )
        return related(parts, "application/dicom")


def _instance_type(choice: Choice) -> str:
    return f"application/dicom; transfer-syntax={choice.syntax}"


def _blocks(item: ReleaseItem, choice: Choice) -> Iterator[bytes]:
    if choice.syntax != EXPLICIT_LE or _stored_syntax(item) == EXPLICIT_LE:
        yield from blocks_of(item.image.stored)
        return
    with decoding_turn():
        plain = pictures.as_explicit(_whole(item))
    yield plain


class _OneInstance(ReadView):
    def find(self, holding: Held, study: str, series: str = "", instance: str = "") -> ReleaseItem:
        return some(holding.items(study=study, series=series, instance=instance)[:1])[0]


class Frames(_OneInstance):
    """``.../frames/1,2``: as stored, or decoded."""

    def get(
        self, request: Request, release_pk: UUID, study: str, series: str, instance: str, frames: str
    ) -> HttpResponseBase:
        """Frames, in the order asked for."""
        holding = self.held(request, release_pk)
        item = self.find(holding, study, series, instance)
        numbers = _frame_numbers(frames)
        choice = choose_frame(self.accepted(request), _stored_syntax(item))
        if choice is None or (len(numbers) > 1 and not choice.multipart):
            raise not_acceptable('Accept multipart/related; type="application/octet-stream".')
        with decoding_turn():
            found = _frames(_whole(item), numbers, choice)
        holding.note([item], "frames")
        content_type = f"{choice.media_type}; transfer-syntax={choice.syntax}"
        if not choice.multipart:
            return HttpResponse(found[0], content_type=content_type)
        place = address_of_item(self.base(release_pk), item)
        parts = (
            Part(content_type, [data], f"{place}/frames/{number}") for data, number in zip(found, numbers, strict=True)
        )
        return related(parts, choice.media_type)


def _frame_numbers(text: str) -> list[int]:
    parts = text.replace("%2C", ",").replace("%2c", ",").split(",")
    if len(parts) > _MAX_FRAMES or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts):
        raise CannotDo("The list of frames cannot be read.", remedy="Send numbers with commas.", code="bad_parameter")
    return [int(part) for part in parts]


def _frames(data: bytes, numbers: list[int], choice: Choice) -> list[bytes]:
    try:
        if choice.media_type != "application/octet-stream":
            return [pictures.stored_frame(data, number) for number in numbers]
        decoded = pictures.decode(data)
        return [decoded.frame_bytes(number) for number in numbers]
    except pictures.NoPicture as error:
        raise _no_picture(error) from error


def _no_picture(error: pictures.NoPicture) -> Exception:
    if error.args[0] == "frame":
        return Http404()
    return CannotDo(
        "This instance has no pixels that can be decoded here.",
        remedy="Retrieve it as it is stored: transfer-syntax=*.",
        code="no_picture",
    )


class Rendered(_OneInstance):
    """``.../rendered``: one frame for a screen, as JPEG or PNG."""

    usual_viewport: tuple[int, int] | None = None

    def get(
        self, request: Request, release_pk: UUID, study: str, series: str = "", instance: str = "", frames: str = "1"
    ) -> HttpResponseBase:
        """The picture, with ``window=centre,width,function``, ``viewport=width,height`` and ``quality``."""
        holding = self.held(request, release_pk)
        item = self.find(holding, study, series, instance)
        media_type = choose_plain(self.accepted(request), _PICTURES)
        if media_type is None:
            raise not_acceptable("Accept image/jpeg or image/png.")
        try:
            with decoding_turn():
                data = pictures.render(
                    _whole(item), frame=_frame_numbers(frames)[0], media_type=media_type, **self._wishes(request)
                )
        except pictures.BadParameter as error:
            raise CannotDo(
                f"{error.args[0]} cannot be read.",
                remedy="window=centre,width[,linear|linear-exact|sigmoid]; viewport=width,height; quality=1 to 100.",
                code="bad_parameter",
            ) from error
        except pictures.NoPicture as error:
            raise _no_picture(error) from error
        holding.note([item], "rendered")
        return HttpResponse(data, content_type=media_type)

    def _wishes(self, request: Request) -> dict[str, Any]:
        given = request.query_params
        quality = given.get("quality", "90")
        if not (quality.isascii() and quality.isdigit() and 1 <= int(quality[:4]) <= 100):
            raise pictures.BadParameter("quality")
        viewport = given.get("viewport", "")
        return {
            "window": pictures.parse_window(given["window"]) if given.get("window") else None,
            "viewport": pictures.parse_viewport(viewport) if viewport else self.usual_viewport,
            "quality": int(quality),
        }


class Thumbnail(Rendered):
    """``.../thumbnail``: a small picture of an instance, or of the first of a series or study."""

    usual_viewport = _THUMBNAIL


class BulkData(_OneInstance):
    """``.../bulkdata/<path>``: what the metadata gave as an address."""

    def get(
        self, request: Request, release_pk: UUID, study: str, series: str, instance: str, path: str
    ) -> HttpResponseBase:
        """The value's bytes, little-endian; Pixel Data decoded."""
        holding = self.held(request, release_pk)
        item = self.find(holding, study, series, instance)
        kind = "application/octet-stream"
        fitting = [one for one in self.accepted(request) if one.covers(kind) and one.syntax in ("", "*", EXPLICIT_LE)]
        if not fitting:
            raise not_acceptable('Accept multipart/related; type="application/octet-stream".')
        data = _bulk(item, path.upper())
        holding.note([item], "bulkdata")
        if not (fitting[0].multipart or fitting[0].is_anything):
            return HttpResponse(data, content_type=kind)
        place = f"{address_of_item(self.base(release_pk), item)}/bulkdata/{path}"
        return related([Part(f"{kind}; transfer-syntax={EXPLICIT_LE}", [data], place)], kind)


def _bulk(item: ReleaseItem, path: str) -> bytes:
    if path == PIXEL_DATA:
        try:
            with decoding_turn():
                decoded = pictures.decode(_whole(item))
                return b"".join(decoded.frame_bytes(number + 1) for number in range(len(decoded.values)))
        except pictures.NoPicture as error:
            raise _no_picture(error) from error
    with open_object(item.image.stored) as handle:
        value = bulk_value(read_header(handle), path)
    if value is None:
        raise Http404
    return value
