"""What the API says and takes."""

from __future__ import annotations

from typing import Any

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from getdata.accounts.models import Organization
from requests_app.agreements import law
from requests_app.errata import errata_of, erratum_data
from requests_app.meter import meter_rows
from requests_app.models import Agreement, Category, DatasetRequest, Feasibility, Offer, Signature, SpecVersion
from requests_app.serializers_questions import ErratumSerializer


class PartySerializer(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["slug", "name", "kind", "country"]


class ShareSerializer(serializers.Serializer[Any]):
    """What one hospital has of one line, counted over its own images alone."""

    offered = serializers.IntegerField()
    received = serializers.IntegerField()
    accepted = serializers.IntegerField()


class MeterRowSerializer(serializers.Serializer[Any]):
    """One line of the meter, pooled over hospitals. Counts of offers that would tell what one hospital has are rounded
    down, to 0 below eleven; ``offered_word`` then says how they are to be read."""

    check_id = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment]
    kind = serializers.ChoiceField(choices=["total", "projection", "finding", "cell"])
    level = serializers.ChoiceField(choices=["must", "should"])
    unit = serializers.ChoiceField(choices=["images", "patients", "studies"])
    needed = serializers.IntegerField()
    maximum = serializers.IntegerField(allow_null=True)
    offered = serializers.IntegerField()
    offered_word = serializers.CharField(allow_blank=True)
    received = serializers.IntegerField()
    accepted = serializers.IntegerField()
    still_useful = serializers.IntegerField()
    own = ShareSerializer(allow_null=True, help_text="the share of the hospital that asks")


class WantedSerializer(serializers.Serializer[Any]):
    check_id = serializers.CharField()
    count = serializers.IntegerField()
    unit = serializers.CharField()
    text = serializers.CharField()


class MeterSerializer(serializers.Serializer[Any]):
    """The whole meter of a request."""

    request = serializers.SlugField()
    status = serializers.CharField()
    version = serializers.IntegerField(help_text="of the specification that is counted; 0 while there is none")
    counting = serializers.ChoiceField(choices=["every", "once"], help_text="whether an image counts in every quota")
    exact = serializers.BooleanField(help_text="whether offers are told in full")
    filled = serializers.BooleanField(help_text="whether every line has what it needs")
    rows = MeterRowSerializer(many=True, help_text="the whole request first")
    useful = WantedSerializer(many=True, help_text="what is still useful to send, the first six lines")
    more = serializers.IntegerField(help_text="further lines of which more is useful")


class NoteSerializer(serializers.Serializer[Any]):
    """One remark on a document; ``path`` is dotted, ``pointer`` the same place as an RFC 6901 JSON Pointer."""

    code = serializers.CharField()
    severity = serializers.ChoiceField(choices=["blocking", "advice"])
    path = serializers.CharField()
    pointer = serializers.CharField()
    message = serializers.CharField()
    remedy = serializers.CharField()


class RequestSerializer(serializers.ModelSerializer[DatasetRequest]):
    """A request in a list."""

    organization = PartySerializer(read_only=True)
    version = serializers.SerializerMethodField()
    url = serializers.SerializerMethodField()

    class Meta:
        model = DatasetRequest
        fields = [
            "id",
            "slug",
            "title",
            "category",
            "status",
            "organization",
            "deadline",
            "minimum_images",
            "report_linkage",
            "version",
            "submitted_at",
            "opened_at",
            "closed_at",
            "created_at",
            "url",
        ]

    def get_version(self, request: DatasetRequest) -> int:
        """The number of the newest frozen version; 0 before it is opened."""
        return max((version.number for version in request.versions.all()), default=0)

    def get_url(self, request: DatasetRequest) -> str:
        """The address of its page."""
        return request.get_absolute_url()


class RequestDetailSerializer(RequestSerializer):
    """A request with its specification and its meter."""

    document = serializers.SerializerMethodField()
    sha256 = serializers.SerializerMethodField()
    meter = serializers.SerializerMethodField()
    errata = serializers.SerializerMethodField()

    class Meta(RequestSerializer.Meta):
        fields = [*RequestSerializer.Meta.fields, "status_note", "revision", "document", "sha256", "meter", "errata"]

    def get_document(self, request: DatasetRequest) -> dict[str, Any]:
        """The DatasetSpec document: the newest frozen one, else the draft."""
        version = request.current_version
        document: dict[str, Any] = version.document if version else request.draft
        return document

    def get_sha256(self, request: DatasetRequest) -> str:
        """The hash of the newest frozen version; empty before it is opened."""
        version = request.current_version
        return version.sha256 if version else ""

    @extend_schema_field(MeterRowSerializer(many=True))
    def get_meter(self, request: DatasetRequest) -> Any:
        asking = self.context.get("request")
        return MeterRowSerializer(meter_rows(request, asking.user if asking else None), many=True).data

    @extend_schema_field(ErratumSerializer(many=True))
    def get_errata(self, request: DatasetRequest) -> Any:
        """Answers that clarify the specification; they are no part of it."""
        return ErratumSerializer([erratum_data(erratum) for erratum in errata_of(request)], many=True).data


class VersionSerializer(serializers.ModelSerializer[SpecVersion]):
    class Meta:
        model = SpecVersion
        fields = ["number", "sha256", "document", "created_at"]


class NewRequestSerializer(serializers.Serializer[Any]):
    organization = serializers.SlugRelatedField(slug_field="slug", queryset=Organization.objects.none())
    title = serializers.CharField(max_length=160)
    category = serializers.ChoiceField(choices=Category.choices, default=Category.CXR)
    document = serializers.DictField(required=False, default=dict)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = visible_organizations(self)  # type: ignore[attr-defined]


def visible_organizations(serializer: serializers.BaseSerializer[Any]) -> Any:
    """The organizations that the person who asks can name at all."""
    request = serializer.context.get("request")
    return Organization.objects.visible_to(request.user) if request else Organization.objects.none()


class DocumentSerializer(serializers.Serializer[Any]):
    document = serializers.DictField(help_text="a DatasetSpec document; see /api/v1/dataset-spec.schema.json")


class DraftSerializer(DocumentSerializer):
    revision = serializers.IntegerField(
        required=False, min_value=0, help_text="the revision that was edited; a newer one is not overwritten"
    )


class DecisionNoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=2000)


class OptionalDecisionNoteSerializer(serializers.Serializer[Any]):
    note = serializers.CharField(max_length=2000, required=False, default="", allow_blank=True)


class LintSerializer(serializers.Serializer[Any]):
    """What came of checking a document."""

    readable = serializers.BooleanField()
    may_be_posted = serializers.BooleanField()
    sha256 = serializers.CharField(help_text="of the canonical JSON; empty when the document cannot be read")
    summary = serializers.ListField(child=serializers.CharField())
    notes = NoteSerializer(many=True)


class ChangeSerializer(serializers.Serializer[Any]):
    path = serializers.CharField()
    kind = serializers.ChoiceField(choices=["added", "removed", "changed"])
    before = serializers.CharField(allow_null=True)
    after = serializers.CharField(allow_null=True)
    text = serializers.CharField()
    check_id = serializers.CharField(allow_blank=True)


class AmendedSerializer(serializers.Serializer[Any]):
    version = VersionSerializer()
    changes = ChangeSerializer(many=True)


class OfferSerializer(serializers.ModelSerializer[Offer]):
    request: Any = serializers.SlugRelatedField(slug_field="slug", read_only=True)
    hospital = PartySerializer(read_only=True)
    version = serializers.IntegerField(source="spec_version.number", read_only=True)
    agreement = serializers.SerializerMethodField()

    class Meta:
        model = Offer
        fields = [
            "id",
            "request",
            "version",
            "hospital",
            "images",
            "patients",
            "cells",
            "deviations",
            "agreed",
            "message",
            "terms",
            "deliver_from",
            "deliver_by",
            "feasibility",
            "expires_at",
            "status",
            "status_note",
            "agreement",
            "created_at",
        ]

    def get_agreement(self, offer: Offer) -> str | None:
        """The agreement's id once it is drawn up."""
        agreement = getattr(offer, "agreement", None)
        return str(agreement.pk) if agreement else None


class DeviationSerializer(serializers.Serializer[Any]):
    text = serializers.CharField(max_length=500)
    percent = serializers.IntegerField(
        min_value=1, max_value=100, required=False, allow_null=True, help_text="of the images; null: of all"
    )


class NewOfferSerializer(serializers.Serializer[Any]):
    request = serializers.SlugField(help_text="the request's slug")
    hospital = serializers.SlugRelatedField(slug_field="slug", queryset=Organization.objects.none())
    images = serializers.IntegerField(min_value=1)
    patients = serializers.IntegerField(min_value=0, default=0)
    cells = serializers.DictField(
        child=serializers.IntegerField(min_value=0), default=dict, help_text="check id of a quota line -> count"
    )
    deviations = serializers.DictField(
        child=DeviationSerializer(), default=dict, help_text="check id of any line -> what differs there"
    )
    message = serializers.CharField(max_length=4000, default="", allow_blank=True)
    terms = serializers.CharField(max_length=4000, default="", allow_blank=True)
    deliver_from = serializers.DateField(required=False, allow_null=True, default=None)
    deliver_by = serializers.DateField(required=False, allow_null=True, default=None)
    feasibility = serializers.PrimaryKeyRelatedField(
        queryset=Feasibility.objects.none(), required=False, allow_null=True, default=None
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["hospital"].queryset = visible_organizations(self)  # type: ignore[attr-defined]
        request = self.context.get("request")
        if request is not None:
            found = Feasibility.objects.visible_to(request.user)
            self.fields["feasibility"].queryset = found  # type: ignore[attr-defined]


class PartSerializer(serializers.Serializer[Any]):
    """What is accepted of an offer; what is left out is accepted as offered."""

    images = serializers.IntegerField(min_value=1, required=False)
    patients = serializers.IntegerField(min_value=0, required=False)
    cells = serializers.DictField(child=serializers.IntegerField(min_value=0), required=False)
    legal_class = serializers.ChoiceField(
        choices=list(law.CLASSES), required=False, help_text="by default the one that fits what the policy keeps"
    )
    gdpr_role = serializers.ChoiceField(choices=list(law.ROLES), required=False)


class SignatureSerializer(serializers.ModelSerializer[Signature]):
    organization = PartySerializer(read_only=True)

    class Meta:
        model = Signature
        fields = ["organization", "printed_name", "meaning", "method", "text_sha256", "created_at"]


class AgreementSerializer(serializers.ModelSerializer[Agreement]):
    parties = PartySerializer(many=True, read_only=True)
    signatures = SignatureSerializer(many=True, read_only=True)
    is_complete = serializers.BooleanField(read_only=True)

    class Meta:
        model = Agreement
        fields = [
            "id",
            "offer",
            "legal_class",
            "form",
            "basis",
            "gdpr_role",
            "text",
            "text_sha256",
            "parties",
            "signatures",
            "is_complete",
            "created_at",
        ]


class SignSerializer(serializers.Serializer[Any]):
    organization = serializers.SlugRelatedField(slug_field="slug", queryset=Organization.objects.none())
    printed_name = serializers.CharField(max_length=200)
    password = serializers.CharField(
        write_only=True,
        required=False,
        default="",
        allow_blank=True,
        trim_whitespace=False,
        style={"input_type": "password"},
        help_text="re-authentication; or a code",
    )
    code = serializers.CharField(
        write_only=True, required=False, default="", allow_blank=True, help_text="a one-time code of your authenticator"
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["organization"].queryset = visible_organizations(self)  # type: ignore[attr-defined]
