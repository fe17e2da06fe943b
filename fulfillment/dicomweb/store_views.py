"""The doors of STOW-RS: a batch's own address, and a hospital's, which stands for its one open batch."""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deid.dicomfile.read import is_uid
from fulfillment.dicomweb import store_answer
from fulfillment.dicomweb.media import parse_accept
from fulfillment.dicomweb.related import BadMultipart, related_type
from fulfillment.dicomweb.sign_in import SIGN_IN, Unnegotiated
from fulfillment.dicomweb.storing import Stored, store_instances
from fulfillment.dicomweb.targets import open_batch
from fulfillment.models import Batch
from fulfillment.uploads import rights, tus
from fulfillment.uploads.body import Body, body_of
from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import require
from getdata.common.problems import CannotDo, problem

JSON_TYPE = "application/dicom+json"
_STATUS = {
    "no_open_batch": 409,
    "several_open_batches": 409,
    "bad_study": 400,
    "not_acceptable": 406,
    "interrupted": 400,
    "no_instances": 400,
    "bad_multipart": 400,
    "wrong_content_type": 415,
    "too_large": 413,
    "too_many": 413,
}
_TROUBLE = {
    "interrupted": ("The body ended before its last boundary, or is no multipart/related.", "Send it again."),
    "too_large": ("The body is larger than one request may be.", "Send fewer instances in one request."),
    "too_many": ("The body holds more instances than one request may.", "Send fewer instances in one request."),
}


class StoreView(APIView):
    """Reads its body itself, in blocks, after it knows who asks."""

    scope = "deliveries"
    schema = None  # described by docs/dicomweb.md and by the standard, not by the API's document
    authentication_classes = SIGN_IN
    content_negotiation_class = Unnegotiated
    throttle_classes: list[Any] = []  # what it costs is bounded by the limits on bytes
    body: Body | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.body = body_of(request._request)
        super().initial(request, *args, **kwargs)

    def handle_exception(self, exc: Exception) -> Response:
        if self.body is not None:  # so that a client still sending gets to read the answer
            self.body.drain(settings.UPLOAD_CHUNK_BYTES)
        if isinstance(exc, CannotDo):
            status = _STATUS.get(exc.code, tus.DEFAULT_STATUS)
            return problem(status, code=exc.code, detail=exc.message, remedy=exc.remedy)
        return super().handle_exception(exc)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response

    def batch_of(self, user: User, kwargs: dict[str, Any]) -> Batch:
        raise NotImplementedError

    def post(self, request: Request, study: str = "", **kwargs: Any) -> HttpResponse:
        """Store instances, of one study where the address names it."""
        user = request.user
        assert isinstance(user, User)  # ScopedAccess lets nobody else through
        batch = self.batch_of(user, kwargs)
        rights.require_may_add_files(user, batch)
        boundary = _boundary(request.headers.get("Content-Type", ""))
        if study and not is_uid(study):
            raise CannotDo("The study in the address is no UID.", remedy="Correct the address.", code="bad_study")
        if not any(one.covers(JSON_TYPE) or one.covers("application/json") for one in _accepted(request)):
            raise CannotDo("The answer has one form only.", remedy=f"Accept {JSON_TYPE}.", code="not_acceptable")
        assert self.body is not None
        stored = store_instances(batch=batch, actor=user, body=self.body, boundary=boundary, study=study)
        return self._answer(stored)

    def _answer(self, stored: Stored) -> HttpResponse:
        if not stored.outcomes:
            message, remedy = _TROUBLE.get(stored.trouble, ("The body holds no instance.", "Send at least one part."))
            raise CannotDo(message, remedy=remedy, code=stored.trouble or "no_instances")
        cut_short = bool(stored.trouble)
        if cut_short and self.body is not None:
            self.body.drain(settings.UPLOAD_CHUNK_BYTES)
        answer = HttpResponse(
            json.dumps(store_answer.document(stored.outcomes, cut_short=cut_short)),
            status=store_answer.status_of(stored.outcomes, cut_short=cut_short),
            content_type=JSON_TYPE,
        )
        if cut_short:
            answer["Warning"] = f'299 GetDATA "{" ".join(_TROUBLE[stored.trouble])}"'
        return answer


class BatchStore(StoreView):
    """``/dicomweb/batches/<id>/studies[/<study>]``: into this batch."""

    def batch_of(self, user: User, kwargs: dict[str, Any]) -> Batch:
        batches = Batch.objects.visible_to(user).select_related("fulfillment__hospital", "fulfillment__request")
        return get_object_or_404(batches, pk=kwargs["batch_pk"])


class HospitalStore(StoreView):
    """``/dicomweb/hospitals/<slug>/studies[/<study>]``: into the hospital's one open batch."""

    def batch_of(self, user: User, kwargs: dict[str, Any]) -> Batch:
        hospitals = Organization.objects.visible_to(user).filter(kind=Organization.Kind.HOSPITAL)
        hospital = get_object_or_404(hospitals, slug=kwargs["slug"])
        require(user, "upload", hospital)
        return open_batch(hospital)


def _boundary(content_type: str) -> str:
    try:
        kind = related_type(content_type)
    except BadMultipart as error:
        raise CannotDo(
            "The boundary is missing or cannot be used.", remedy="Name it in Content-Type.", code="bad_multipart"
        ) from error
    if kind is None or kind.part_type not in ("application/dicom", ""):
        raise CannotDo(
            "Instances are taken as multipart/related with parts of application/dicom.",
            remedy='Send Content-Type: multipart/related; type="application/dicom"; boundary=...',
            code="wrong_content_type",
        )
    return kind.boundary


def _accepted(request: Request) -> list[Any]:
    return parse_accept(request.headers.get("Accept", ""))
