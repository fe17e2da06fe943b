"""Questions, errata and private threads over the API."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from django.urls import path
from drf_spectacular.utils import extend_schema
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response

from requests_app import serializers_questions as s
from requests_app.api.guard_example import GUARD_REFUSAL
from requests_app.api.reading import person, read
from requests_app.errata import errata_of, erratum_data
from requests_app.models import DatasetRequest, Message, Offer, Question
from requests_app.services import messages as message_services
from requests_app.services import questions as services


class _OfRequest(GenericAPIView[Any]):
    """What belongs to one request that the caller may see."""

    scope = "requests"
    public_read = True

    def item(self) -> DatasetRequest:
        found = DatasetRequest.objects.visible_to(self.request.user).select_related("organization")
        return get_object_or_404(found, slug=self.kwargs["slug"])

    def question(self) -> Question:
        found = Question.objects.filter(request=self.item()).select_related("request__organization", "asked_by")
        return get_object_or_404(found, pk=self.kwargs["pk"])


class QuestionsView(_OfRequest):
    """The questions of a request."""

    serializer_class = s.QuestionSerializer
    filterset_fields = ("answered_at", "clarifies_version")
    queryset = Question.objects.none()

    def get_queryset(self) -> QuerySet[Question]:
        if getattr(self, "swagger_fake_view", False):
            return Question.objects.none()
        return Question.objects.filter(request=self.item()).order_by("created_at")

    @extend_schema(
        summary="Questions and answers of a request",
        operation_id="request_questions_list",
        filters=False,
        responses={200: s.QuestionSerializer(many=True)},
    )
    def get(self, request: Request, slug: str) -> Response:
        page = self.paginate_queryset(self.get_queryset())
        return self.get_paginated_response(s.QuestionSerializer(page, many=True).data)

    @extend_schema(
        summary="Ask a question in public",
        operation_id="request_questions_ask",
        request=s.AskSerializer,
        responses={201: s.QuestionSerializer},
        examples=[GUARD_REFUSAL],
    )
    def post(self, request: Request, slug: str) -> Response:
        made = services.ask_question(request=self.item(), actor=person(request), **read(s.AskSerializer, request))
        return Response(s.QuestionSerializer(made).data, status=status.HTTP_201_CREATED)


class QuestionView(_OfRequest):
    """One question: read it, or change one's own words."""

    serializer_class = s.QuestionSerializer

    @extend_schema(summary="One question", operation_id="request_questions_retrieve")
    def get(self, request: Request, slug: str, pk: str) -> Response:
        return Response(s.QuestionSerializer(self.question()).data)

    @extend_schema(
        summary="Change one's question",
        operation_id="request_questions_edit",
        request=s.AskSerializer,
        responses={200: s.QuestionSerializer},
    )
    def put(self, request: Request, slug: str, pk: str) -> Response:
        data = read(s.AskSerializer, request)
        changed = services.edit_question(question=self.question(), actor=person(request), **data)
        return Response(s.QuestionSerializer(changed).data)


class AnswerView(_OfRequest):
    """The answer to a question."""

    serializer_class = s.QuestionSerializer

    @extend_schema(
        summary="Answer (who asked for the data)",
        operation_id="request_questions_answer",
        request=s.AnswerSerializer,
        responses={200: s.QuestionSerializer},
        examples=[GUARD_REFUSAL],
    )
    def post(self, request: Request, slug: str, pk: str) -> Response:
        data = read(s.AnswerSerializer, request)
        made = services.answer_question(question=self.question(), actor=person(request), **data)
        return Response(s.QuestionSerializer(made).data)

    @extend_schema(
        summary="Change the answer within 15 minutes",
        operation_id="request_questions_answer_edit",
        request=s.ChangedAnswerSerializer,
        responses={200: s.QuestionSerializer},
    )
    def put(self, request: Request, slug: str, pk: str) -> Response:
        data = read(s.ChangedAnswerSerializer, request)
        changed = services.edit_answer(question=self.question(), actor=person(request), **data)
        return Response(s.QuestionSerializer(changed).data)


class ClarifiesView(_OfRequest):
    """An answer as an erratum."""

    serializer_class = s.QuestionSerializer

    @extend_schema(summary="List the answer as an erratum", operation_id="request_questions_clarify", request=None)
    def post(self, request: Request, slug: str, pk: str) -> Response:
        made = services.mark_erratum(question=self.question(), actor=person(request))
        return Response(s.QuestionSerializer(made).data)


class HideQuestionView(_OfRequest):
    """Moderation by staff."""

    serializer_class = s.QuestionSerializer

    @extend_schema(
        summary="Hide question and answer (staff)", operation_id="request_questions_hide", request=s.HideSerializer
    )
    def post(self, request: Request, slug: str, pk: str) -> Response:
        data = read(s.HideSerializer, request)
        return Response(
            s.QuestionSerializer(services.hide_question(question=self.question(), actor=person(request), **data)).data
        )

    @extend_schema(
        summary="Show it again (staff)", operation_id="request_questions_show", responses={200: s.QuestionSerializer}
    )
    def delete(self, request: Request, slug: str, pk: str) -> Response:
        shown = services.show_question(question=self.question(), actor=person(request))
        return Response(s.QuestionSerializer(shown).data)


class ErrataView(_OfRequest):
    """Answers that clarify the specification."""

    serializer_class = s.ErratumSerializer

    @extend_schema(
        summary="Errata of a request",
        operation_id="request_errata_list",
        filters=False,
        responses={200: s.ErratumSerializer(many=True)},
    )
    def get(self, request: Request, slug: str) -> Response:
        page: Any = self.paginate_queryset([erratum_data(erratum) for erratum in errata_of(self.item())])  # type: ignore[arg-type]
        return self.get_paginated_response(s.ErratumSerializer(page, many=True).data)


class _OfOffer(GenericAPIView[Any]):
    """What belongs to one offer that the caller may see."""

    scope = "requests"
    serializer_class = s.MessageSerializer
    queryset = Message.objects.none()

    def offer(self) -> Offer:
        found = Offer.objects.visible_to(self.request.user).select_related("request__organization", "hospital")
        return get_object_or_404(found, pk=self.kwargs["pk"])


class MessagesView(_OfOffer):
    """The private thread of an offer."""

    @extend_schema(
        summary="Messages on an offer, oldest first",
        operation_id="offer_messages_list",
        filters=False,
        responses={200: s.MessageSerializer(many=True)},
    )
    def get(self, request: Request, pk: str) -> Response:
        found = Message.objects.filter(offer=self.offer()).select_related("author", "organization")
        page = self.paginate_queryset(found.order_by("created_at", "pk"))
        return self.get_paginated_response(s.MessageSerializer(page, many=True).data)

    @extend_schema(
        summary="Write to the other party",
        operation_id="offer_messages_post",
        request=s.PostSerializer,
        responses={201: s.MessageSerializer},
        examples=[GUARD_REFUSAL],
    )
    def post(self, request: Request, pk: str) -> Response:
        data = read(s.PostSerializer, request)
        made = message_services.post_message(offer=self.offer(), actor=person(request), **data)
        return Response(s.MessageSerializer(made).data, status=status.HTTP_201_CREATED)


class ReadMessagesView(_OfOffer):
    """What one has read."""

    @extend_schema(
        summary="How many messages are unread",
        operation_id="offer_messages_unread",
        responses={200: s.UnreadSerializer},
    )
    def get(self, request: Request, pk: str) -> Response:
        count = message_services.unread_count(self.offer(), person(request))
        return Response(s.UnreadSerializer({"unread": count}).data)

    @extend_schema(
        summary="Mark the thread as read",
        operation_id="offer_messages_read",
        request=None,
        responses={200: s.UnreadSerializer},
    )
    def post(self, request: Request, pk: str) -> Response:
        message_services.read_thread(offer=self.offer(), actor=person(request))
        return Response(s.UnreadSerializer({"unread": 0}).data)


class HideMessageView(_OfOffer):
    """Moderation by staff."""

    @extend_schema(summary="Hide a message (staff)", operation_id="offer_messages_hide", request=s.HideSerializer)
    def post(self, request: Request, pk: str, message: str) -> Response:
        found = get_object_or_404(Message.objects.filter(offer=self.offer()), pk=message)
        data = read(s.HideSerializer, request)
        hidden = message_services.hide_message(message=found, actor=person(request), **data)
        return Response(s.MessageSerializer(hidden).data)


_ASKED, _THREAD = "requests/<slug:slug>/questions/", "offers/<uuid:pk>/messages/"
URLS = [
    path(_ASKED, QuestionsView.as_view(), name="api-questions"),
    path(f"{_ASKED}<uuid:pk>/", QuestionView.as_view(), name="api-question"),
    path(f"{_ASKED}<uuid:pk>/answer/", AnswerView.as_view(), name="api-answer"),
    path(f"{_ASKED}<uuid:pk>/clarifies/", ClarifiesView.as_view(), name="api-clarifies"),
    path(f"{_ASKED}<uuid:pk>/hide/", HideQuestionView.as_view(), name="api-question-hide"),
    path("requests/<slug:slug>/errata/", ErrataView.as_view(), name="api-errata"),
    path(_THREAD, MessagesView.as_view(), name="api-messages"),
    path(f"{_THREAD}read/", ReadMessagesView.as_view(), name="api-messages-read"),
    path(f"{_THREAD}<uuid:message>/hide/", HideMessageView.as_view(), name="api-message-hide"),
]
