"""What the API says and takes of questions, errata and messages."""

from __future__ import annotations

from typing import Any

from django.db.models import Model
from rest_framework import serializers

from requests_app.models import HiddenReason, Message, Question
from requests_app.services.messages import MESSAGE_LENGTH
from requests_app.services.questions import ANSWER_LENGTH, QUESTION_LENGTH

_CONFIRM = "the `confirmation` of an earlier refusal of these very words, when all its findings are soft"


class _HidesWords(serializers.ModelSerializer[Any]):
    """Words that staff hid are left out for everybody; the reason stands in their place."""

    worded: tuple[str, ...] = ("text",)

    def to_representation(self, instance: Model) -> dict[str, Any]:
        data: dict[str, Any] = super().to_representation(instance)
        if instance.is_hidden:  # type: ignore[attr-defined]
            data.update(dict.fromkeys(self.worded, ""))
        return data


class QuestionSerializer(_HidesWords):
    """A question and its answer. Who asked is not told."""

    worded = ("text", "answer")
    is_erratum = serializers.BooleanField(read_only=True)
    hidden = serializers.BooleanField(source="is_hidden", read_only=True)
    hidden_reason = serializers.ChoiceField(choices=HiddenReason.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Question
        fields = [
            "id",
            "text",
            "created_at",
            "edited_at",
            "answer",
            "answered_at",
            "answer_edited_at",
            "is_erratum",
            "clarifies_version",
            "clarified_at",
            "hidden",
            "hidden_reason",
        ]
        read_only_fields = fields


class ErratumSerializer(serializers.Serializer[Any]):
    """An answer that clarifies a version of the specification."""

    number = serializers.IntegerField()
    version = serializers.IntegerField()
    date = serializers.DateField()
    question_id = serializers.UUIDField()
    question = serializers.CharField()
    answer = serializers.CharField()


class AskSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=QUESTION_LENGTH)
    confirmed = serializers.CharField(required=False, default="", allow_blank=True, max_length=64, help_text=_CONFIRM)


class AnswerSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=ANSWER_LENGTH)
    clarifies = serializers.BooleanField(required=False, default=False, help_text="list it as an erratum")
    confirmed = serializers.CharField(required=False, default="", allow_blank=True, max_length=64, help_text=_CONFIRM)


class ChangedAnswerSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=ANSWER_LENGTH)
    confirmed = serializers.CharField(required=False, default="", allow_blank=True, max_length=64, help_text=_CONFIRM)


class HideSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(choices=HiddenReason.choices)
    erase = serializers.BooleanField(required=False, default=False, help_text="remove the words for good")


class MessageSerializer(_HidesWords):
    """One message of an offer's private thread."""

    author = serializers.CharField(source="author.name", read_only=True)
    organization: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    hidden = serializers.BooleanField(source="is_hidden", read_only=True)
    hidden_reason = serializers.ChoiceField(choices=HiddenReason.choices, allow_blank=True, read_only=True)

    class Meta:
        model = Message
        fields = ["id", "author", "organization", "text", "created_at", "hidden", "hidden_reason"]
        read_only_fields = fields


class PostSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=MESSAGE_LENGTH)
    confirmed = serializers.CharField(required=False, default="", allow_blank=True, max_length=64, help_text=_CONFIRM)


class UnreadSerializer(serializers.Serializer[Any]):
    unread = serializers.IntegerField()
