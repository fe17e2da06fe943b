"""API of a batch's sample: which images must be looked at before it is accepted, and saying that one did."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.generics import get_object_or_404
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from fulfillment.models import Batch, ImageLook
from fulfillment.services import inspections
from getdata.accounts.models import User


class SampleImageSerializer(serializers.Serializer[Any]):
    """One image of the sample. ``why``: doubt, masked, new or lot; ``looked``: whether you looked at it."""

    image = serializers.UUIDField()
    file = serializers.IntegerField(help_text="the file's number in its batch")
    why = serializers.CharField()
    looked = serializers.BooleanField()


class SampleSerializer(serializers.Serializer[Any]):
    """The sample of a batch as it is sealed now, and how far you are with it. ``arithmetic`` says how many images, and why."""

    wanted = serializers.IntegerField()
    looked = serializers.IntegerField()
    seed = serializers.CharField()
    arithmetic = serializers.ListField(child=serializers.CharField())
    images = SampleImageSerializer(many=True)


class LooksSerializer(serializers.Serializer[Any]):
    """Images that you have looked at: saying so is a statement of yours, kept with your name and the time."""

    images = serializers.ListField(
        child=serializers.UUIDField(), allow_empty=False, max_length=inspections.MOST_AT_ONCE
    )


class SampleView(APIView):
    """The sample that a reviewer looks at. For everyone but staff it does not exist."""

    scope = "review"

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if not getattr(request.user, "is_reviewer", False):
            raise Http404

    @extend_schema(responses=SampleSerializer)
    def get(self, request: Request, pk: UUID) -> Response:
        return self._answer(self._batch(request, pk), request.user)

    @extend_schema(request=LooksSerializer, responses=SampleSerializer)
    def post(self, request: Request, pk: UUID) -> Response:
        batch = self._batch(request, pk)
        asked = LooksSerializer(data=request.data)
        asked.is_valid(raise_exception=True)
        actor: Any = request.user
        inspections.record_looks(batch=batch, shown=dict.fromkeys(asked.validated_data["images"]), actor=actor)
        return self._answer(batch, request.user)

    def _batch(self, request: Request, pk: UUID) -> Batch:
        user: Any = request.user
        return get_object_or_404(Batch.objects.visible_to(user).select_related("fulfillment__hospital"), pk=pk)

    def _answer(self, batch: Batch, user: Any) -> Response:
        assert isinstance(user, User)
        inspection = inspections.current_inspection(batch)
        if inspection is None:
            raise Http404
        items = inspection.items.filter(image__source__status="passed").select_related("image__source")
        mine = ImageLook.objects.filter(reviewer=user, image__in=items.values("image"))
        seen = set(mine.values_list("image_id", flat=True))
        rows: list[dict[str, Any]] = [
            {
                "image": item.image_id,
                "file": item.image.source.number,
                "why": item.why,
                "looked": item.image_id in seen,
            }
            for item in items
        ]
        document = {
            "wanted": len(rows),
            "looked": sum(row["looked"] for row in rows),
            "seed": inspection.seed,
            "arithmetic": inspection.arithmetic,
            "images": rows,
        }
        return Response(SampleSerializer(document).data)


API_URLS = [path("review/batches/<uuid:pk>/sample/", SampleView.as_view(), name="api-review-sample")]
