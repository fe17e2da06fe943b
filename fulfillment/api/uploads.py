"""Files over the API: the tus 1.0 endpoint, a one-shot request, and what the server already has."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.utils.http import parse_header_parameters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import ValidationError
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fulfillment import looks
from fulfillment.api.csrf_in_header import HEADER_AUTHENTICATION
from fulfillment.api.serializers import (
    FileSerializer,
    KnownAnswersSerializer,
    KnownFilesSerializer,
    TakenListSerializer,
    UploadSerializer,
)
from fulfillment.models import Batch, SourceFile, SourceFileStatus, Upload, UploadStatus
from fulfillment.services.file_lists import file_row, file_rows, files_of
from fulfillment.uploads import names, one_shot, pressure, rights, transfers, tus
from fulfillment.uploads.body import Body, body_of
from fulfillment.uploads.known import what_is_known
from getdata.accounts.models import User
from getdata.accounts.permissions import require
from getdata.common.problems import CannotDo, problem
from getdata.common.storage import FULL, Unreachable


def _batch(request: Request, pk: UUID) -> Batch:
    batches = Batch.objects.visible_to(request.user).select_related("fulfillment__hospital", "fulfillment__request")
    return get_object_or_404(batches, pk=pk)


def _user(request: Request) -> User:
    assert isinstance(request.user, User)  # ScopedAccess lets nobody else through
    return request.user


def upload_url(upload: Upload) -> str:
    """The transfer's address, as ``Location`` gives it."""
    return reverse("api-upload", args=[upload.pk])


class StreamView(APIView):
    """A view that reads its body itself, in blocks, after it knows who asks; refusals carry the protocol's statuses."""

    scope = "deliveries"
    authentication_classes = HEADER_AUTHENTICATION
    throttle_classes: list[Any] = []  # a transfer is many requests; what it costs is bounded by the limits on bytes
    tus_resumable = True
    body: Body | None = None

    def handle_exception(self, exc: Exception) -> Response:
        if self.body is not None:
            self.body.drain(settings.UPLOAD_CHUNK_BYTES + 1024**2)
        if isinstance(exc, OSError) and exc.errno in FULL:
            exc = pressure.disk_full()
        if isinstance(exc, OperationalError | Unreachable):
            exc = pressure.busy()
        if isinstance(exc, CannotDo):
            return self._refusal(exc)
        return super().handle_exception(exc)

    def _refusal(self, error: CannotDo) -> Response:
        status = tus.status_of(error)
        again = error.extra.get("retry_after")
        headers = {"Retry-After": str(again)} if again else {}
        answer = problem(
            status, code=error.code, detail=error.message, remedy=error.remedy, extra=error.extra, headers=headers
        )
        if status in tus.REASONS:
            answer.reason_phrase = tus.REASONS[status]
        if error.code == "unsupported_version":
            answer["Tus-Version"] = tus.VERSION
        return answer

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        if self.tus_resumable and request.method != "OPTIONS":
            response["Tus-Resumable"] = tus.VERSION
        return response

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        self.body = body_of(request._request)
        super().initial(request, *args, **kwargs)
        speaks = request.headers.get("Tus-Resumable") == tus.VERSION
        if self.tus_resumable and not speaks and request.method not in ("OPTIONS", "GET"):
            raise CannotDo(
                "The request does not speak tus 1.0.0.",
                remedy=f"Send the header Tus-Resumable: {tus.VERSION}.",
                code="unsupported_version",
            )

    def read_body(self) -> Body:
        """The body; from here on nothing drains it."""
        assert self.body is not None
        return self.body

    def _append(self, request: Request, upload: Upload, offset: int) -> Upload:
        checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
        return transfers.append(
            upload=upload, actor=_user(request), offset=offset, body=self.read_body(), checksum=checksum
        )


def _tus_answer(upload: Upload, status: int) -> HttpResponse:
    answer = HttpResponse(status=status)
    answer["Upload-Offset"] = str(upload.offset)
    if upload.status == UploadStatus.ACTIVE:
        answer["Upload-Expires"] = tus.expires(upload.expires_at)
    if upload.file is not None:
        answer["GetDATA-File"] = str(upload.file.number)
        answer["GetDATA-Outcome"] = "already_here" if transfers.was_already_there(upload) else "taken"
    return answer


_TUS_HEADERS = [
    OpenApiParameter("Tus-Resumable", str, OpenApiParameter.HEADER, required=True, enum=[tus.VERSION]),
    OpenApiParameter("Upload-Checksum", str, OpenApiParameter.HEADER, description="sha256 or sha1 and a base64 digest"),
]


class UploadCreation(StreamView, GenericAPIView[Any]):
    """``/batches/<id>/uploads/``: begin a resumable transfer (tus creation with upload), or list unfinished ones."""

    queryset = Upload.objects.none()
    serializer_class = UploadSerializer
    filter_backends: list[Any] = []

    @extend_schema(operation_id="batch_uploads_list", responses=UploadSerializer(many=True))
    def get(self, request: Request, batch_pk: UUID) -> Response:
        """Your hospital's unfinished transfers into this batch."""
        batch = _batch(request, batch_pk)
        require(request.user, "upload", batch.fulfillment.hospital)
        page = self.paginate_queryset(transfers.uploads_of(batch).select_related("file"))
        rows = [_upload_document(upload, request) for upload in page or []]
        return self.get_paginated_response(UploadSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="batch_uploads_create",
        request={tus.BODY_TYPE: OpenApiTypes.BINARY},
        responses={201: None},
        parameters=[
            *_TUS_HEADERS,
            OpenApiParameter(
                "Upload-Length", int, OpenApiParameter.HEADER, required=True, description="bytes of the file"
            ),
            OpenApiParameter(
                "Upload-Metadata",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="filename, relativePath and lastModified, each with its base64 value",
            ),
        ],
    )
    def post(self, request: Request, batch_pk: UUID) -> HttpResponse:
        """Begin a transfer; a body of ``application/offset+octet-stream`` is its first part."""
        batch = _batch(request, batch_pk)
        user = _user(request)
        rights.require_may_add_files(user, batch)
        with_body = self.body is not None and self.body.announced != 0
        if with_body and request.content_type != tus.BODY_TYPE:
            raise _wrong_type()
        said = request.headers.get("Upload-Metadata", "")
        metadata = tus.parse_metadata(said)
        headers = request.headers
        upload = transfers.create_upload(
            batch=batch,
            actor=user,
            name=tus.name_in(metadata),
            length=tus.parse_length(headers.get("Upload-Length"), headers.get("Upload-Defer-Length")),
            modified=metadata.get("lastModified", ""),
            metadata=said,
        )
        if with_body:
            try:
                upload = self._append(request, upload, 0)
            except CannotDo as refusal:
                if refusal.code != "interrupted" and _is_active(upload):
                    transfers.terminate(upload=upload, actor=None)  # nobody was told its address
                raise
        answer = _tus_answer(upload, 201)
        answer["Location"] = upload_url(upload)
        return answer

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return _tus_options()


class UploadView(StreamView):
    """``/uploads/<id>``: one resumable transfer (tus core, checksum, termination, expiration)."""

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        # Some networks let no PATCH through; the protocol then sends POST and says what it means.
        meant = request.headers.get("X-HTTP-Method-Override", "").upper()
        if request.method == "POST" and meant in tus.METHODS_IN_HEADER:
            request.method = meant
        return super().dispatch(request, *args, **kwargs)

    def _upload(self, request: Request, pk: UUID) -> Upload:
        upload = get_object_or_404(
            Upload.objects.filter(batch__in=Batch.objects.visible_to(request.user)).select_related(
                "batch__fulfillment__hospital", "file"
            ),
            pk=pk,
        )
        require(request.user, "upload", upload.batch.fulfillment.hospital)
        return upload

    @extend_schema(operation_id="uploads_retrieve", responses=UploadSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        """The transfer and, once it is finished, the file it became."""
        return Response(UploadSerializer(_upload_document(self._upload(request, pk), request)).data)

    @extend_schema(exclude=True)
    def head(self, request: Request, pk: UUID) -> HttpResponse:
        """How many bytes the server has."""
        upload = self._upload(request, pk)
        if _has_ended(upload):
            raise CannotDo("This transfer was ended or has expired.", remedy="Begin a new one.", code="upload_gone")
        upload = transfers.finish(upload=transfers.measure(upload), actor=_user(request))
        answer = _tus_answer(upload, 200)
        answer["Upload-Length"] = str(upload.length)
        looks.names_shown(batch=upload.batch, user=_user(request), count=1)
        named = names.unseal_metadata(upload) or tus.format_metadata({"filename": names.unseal_name(upload)})
        answer["Upload-Metadata"] = named
        return answer

    @extend_schema(
        operation_id="uploads_append",
        request={tus.BODY_TYPE: OpenApiTypes.BINARY},
        responses={204: None},
        parameters=[*_TUS_HEADERS, OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True)],
    )
    def patch(self, request: Request, pk: UUID) -> HttpResponse:
        """Append a part at ``Upload-Offset``. 409 when the server has another offset, 460 when the checksum differs."""
        upload = self._upload(request, pk)
        if request.content_type != tus.BODY_TYPE:
            raise _wrong_type()
        offset = tus.parse_count("Upload-Offset", request.headers.get("Upload-Offset"))
        return _tus_answer(self._append(request, upload, offset), 204)

    @extend_schema(operation_id="uploads_terminate", parameters=_TUS_HEADERS[:1], responses={204: None})
    def delete(self, request: Request, pk: UUID) -> HttpResponse:
        """End the transfer and remove its bytes."""
        transfers.terminate(upload=self._upload(request, pk), actor=_user(request))
        return HttpResponse(status=204)

    @extend_schema(exclude=True)
    def options(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        return _tus_options()


class KnownFiles(APIView):
    """``/batches/<id>/uploads/known/``: before sending, ask what the server has."""

    scope = "deliveries"

    @extend_schema(operation_id="batch_uploads_known", request=KnownFilesSerializer, responses=KnownAnswersSerializer)
    def post(self, request: Request, batch_pk: UUID) -> Response:
        """For each file: send it, go on with it, compare its content, or leave it: it is here."""
        batch = _batch(request, batch_pk)
        require(request.user, "upload", batch.fulfillment.hospital)
        asked = KnownFilesSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        try:
            answers = what_is_known(batch=batch, files=asked.validated_data["files"], url_of=upload_url)
        except CannotDo as refusal:
            raise ValidationError(
                {"code": refusal.code, "detail": refusal.message, "remedy": refusal.remedy}
            ) from refusal
        return Response({"files": answers})


class BatchFiles(StreamView, GenericAPIView[Any]):
    """``/batches/<id>/files/``: the files of a batch, or a new one in one request."""

    tus_resumable = False
    queryset = SourceFile.objects.none()
    serializer_class = FileSerializer
    filter_backends: list[Any] = []

    @extend_schema(
        operation_id="batch_files_list",
        responses=FileSerializer(many=True),
        parameters=[
            OpenApiParameter("status", str, enum=[str(value) for value in SourceFileStatus.values]),
            OpenApiParameter("reason", str, description="code of a cause"),
        ],
    )
    def get(self, request: Request, batch_pk: UUID) -> Response:
        """Files with state, cause and remedy. ``original_name`` is null for everyone outside the hospital."""
        batch = _batch(request, batch_pk)
        query = request.query_params
        page = self.paginate_queryset(files_of(batch, status=query.get("status", ""), reason=query.get("reason", "")))
        rows: Any = file_rows(page or [], batch=batch, user=request.user)
        return self.get_paginated_response(FileSerializer(rows, many=True).data)

    @extend_schema(
        operation_id="batch_files_create",
        request={
            "application/octet-stream": OpenApiTypes.BINARY,
            "multipart/form-data": {"type": "object", "properties": {"files": {"type": "string", "format": "binary"}}},
        },
        responses={201: TakenListSerializer, 200: TakenListSerializer},
        parameters=[
            OpenApiParameter(
                "Content-Disposition", str, OpenApiParameter.HEADER, description="raw body: attachment; filename=..."
            ),
            OpenApiParameter(
                "Upload-Checksum", str, OpenApiParameter.HEADER, description="raw body: sha256 and base64"
            ),
        ],
    )
    def post(self, request: Request, batch_pk: UUID) -> Response:
        """Send one file as the body, named in ``Content-Disposition`` or ``Upload-Metadata``, or several as a form.

        201 when at least one file is new, 200 when all were here already, 422 when a form's files were all refused.
        """
        batch = _batch(request, batch_pk)
        user = _user(request)
        rights.require_may_add_files(user, batch)
        if (request.content_type or "").startswith("multipart/form-data"):
            pressure.require_room(batch, (self.body.announced or 0) if self.body else 0)
            _, files = one_shot.parse_form(request._request, self.read_body())
            taken = one_shot.receive_form(batch=batch, actor=user, files=files)
            if not taken:
                raise CannotDo("The form holds no file.", remedy="Send at least one file part.", code="bad_header")
        else:
            name = _name_of_raw(request)
            checksum = tus.parse_checksum(request.headers.get("Upload-Checksum"))
            taken = [
                one_shot.receive_file(batch=batch, actor=user, name=name, body=self.read_body(), checksum=checksum)
            ]
        status = 201 if any(one.new for one in taken) else 200 if any(one.file for one in taken) else 422
        return Response({"files": [_taken_document(one, request) for one in taken]}, status=status)


def _name_of_raw(request: Request) -> str:
    if "Upload-Metadata" in request.headers:
        return tus.name_in(tus.parse_metadata(request.headers["Upload-Metadata"]))
    try:
        _, parameters = parse_header_parameters(request.headers.get("Content-Disposition", ""))
    except ValueError:
        parameters = {}
    return parameters.get("filename", "")


def _taken_document(taken: one_shot.Taken, request: Request) -> dict[str, Any]:
    refusal = taken.refusal
    return {
        "outcome": "refused" if refusal else "taken" if taken.new else "already_here",
        "name": taken.name,
        "file": FileSerializer(file_row(taken.file, user=request.user)).data if taken.file else None,
        "code": refusal.code if refusal else "",
        "detail": refusal.message if refusal else "",
        "remedy": refusal.remedy if refusal else "",
    }


def _upload_document(upload: Upload, request: Request) -> dict[str, Any]:
    looks.names_shown(batch=upload.batch, user=_user(request), count=1)
    return {
        "url": upload_url(upload),
        "relative_path": names.unseal_name(upload),
        "length": upload.length,
        "offset": upload.offset,
        "status": upload.status,
        "expires_at": upload.expires_at,
        "file": file_row(upload.file, user=request.user) if upload.file else None,
    }


def _is_active(upload: Upload) -> bool:
    return Upload.objects.filter(pk=upload.pk, status=UploadStatus.ACTIVE).exists()


def _has_ended(upload: Upload) -> bool:
    if upload.status == UploadStatus.ACTIVE:
        return upload.expires_at <= timezone.now()
    return upload.status == UploadStatus.TERMINATED


def _wrong_type() -> CannotDo:
    return CannotDo(
        "The body's type is not the one of the protocol.",
        remedy=f"Send it as {tus.BODY_TYPE}.",
        code="wrong_content_type",
    )


def _tus_options() -> HttpResponse:
    answer = HttpResponse(status=204)
    answer["Tus-Version"] = tus.VERSION
    answer["Tus-Extension"] = ",".join(tus.EXTENSIONS)
    answer["Tus-Max-Size"] = str(settings.MAX_UPLOAD_BYTES)
    answer["Tus-Checksum-Algorithm"] = ",".join(tus.ALGORITHMS)
    return answer


__all__ = ["BatchFiles", "KnownFiles", "UploadCreation", "UploadView", "upload_url"]
