"""People and organizations in the API: the same services and the same visibility as the pages."""

from __future__ import annotations

from typing import Any, cast

from allauth.mfa.utils import is_mfa_enabled
from django.db.models import QuerySet
from django.urls import path
from drf_spectacular.utils import extend_schema, extend_schema_field, extend_schema_view
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView
from rest_framework.viewsets import GenericViewSet

from getdata.accounts import selectors, services
from getdata.accounts.checklist import MAX_EVIDENCE
from getdata.accounts.countries import COUNTRIES
from getdata.accounts.models import ApiToken, Membership, Organization, User
from getdata.accounts.permissions import role_in


class RefusalSerializer(serializers.Serializer[Any]):
    """What every expected refusal looks like (409)."""

    code = serializers.CharField()
    detail = serializers.CharField()
    remedy = serializers.CharField()


class OrganizationSerializer(serializers.ModelSerializer[Organization]):
    """An organization as its members and staff see it."""

    my_role = serializers.SerializerMethodField()

    class Meta:
        model = Organization
        fields = [
            "id",
            "slug",
            "kind",
            "name",
            "country",
            "website",
            "description",
            "status",
            "status_note",
            "submitted_at",
            "decided_at",
            "created_at",
            "my_role",
        ]
        read_only_fields = fields

    def get_my_role(self, organization: Organization) -> str:
        """The caller's role, or an empty string."""
        return role_in(self.context["request"].user, organization)


class ChecklistLineSerializer(serializers.Serializer[Any]):
    """One check and its answer."""

    key = serializers.CharField(source="check.key")
    title = serializers.CharField(source="check.title")
    asked = serializers.CharField(source="check.asked")
    why = serializers.CharField(source="check.why")
    who = serializers.CharField(source="check.who", help_text="the role that usually knows the answer")
    state = serializers.ChoiceField(choices=["missing", "provided", "accepted", "returned"])
    evidence = serializers.SerializerMethodField()
    note = serializers.SerializerMethodField()

    def get_evidence(self, line: selectors.Line) -> str:
        return line.item.evidence if line.item else ""

    def get_note(self, line: selectors.Line) -> str:
        return line.item.note if line.item else ""


class NextStepSerializer(serializers.Serializer[Any]):
    """Whose turn it is."""

    owner = serializers.CharField()
    text = serializers.CharField()
    due = serializers.DateTimeField(allow_null=True)


class OrganizationDetailSerializer(OrganizationSerializer):
    """With the checklist and the next step."""

    checklist = serializers.SerializerMethodField()
    next_step = serializers.SerializerMethodField()

    class Meta(OrganizationSerializer.Meta):
        fields = [*OrganizationSerializer.Meta.fields, "checklist", "next_step"]
        read_only_fields = fields

    @extend_schema_field(ChecklistLineSerializer(many=True))
    def get_checklist(self, organization: Organization) -> Any:
        lines = selectors.checklist(organization, self.context["request"].user).lines
        return ChecklistLineSerializer(lines, many=True).data

    @extend_schema_field(NextStepSerializer())
    def get_next_step(self, organization: Organization) -> Any:
        lines = selectors.checklist(organization, self.context["request"].user)
        return NextStepSerializer(selectors.next_step(organization, lines)).data


class OrganizationCreateSerializer(serializers.Serializer[Any]):
    """A new organization."""

    kind = serializers.ChoiceField(choices=Organization.Kind.choices)
    name = serializers.CharField(min_length=2, max_length=200)
    country = serializers.ChoiceField(choices=sorted(COUNTRIES), help_text="ISO 3166-1 alpha-2")
    website = serializers.URLField(required=False, default="", allow_blank=True)
    description = serializers.CharField(required=False, default="", allow_blank=True, max_length=2000)


class EvidenceSerializer(serializers.Serializer[Any]):
    """The answer to one check."""

    evidence = serializers.CharField(max_length=MAX_EVIDENCE)


class MemberSerializer(serializers.ModelSerializer[Membership]):
    """A member and their role."""

    name = serializers.CharField(source="user.name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Membership
        fields = ("id", "name", "email", "role", "created_at")
        read_only_fields = fields


class MyMembershipSerializer(serializers.ModelSerializer[Membership]):
    """One of the caller's memberships."""

    organization: serializers.SlugRelatedField[Organization] = serializers.SlugRelatedField(
        slug_field="slug", read_only=True
    )
    organization_name = serializers.CharField(source="organization.name")
    organization_status = serializers.CharField(source="organization.status")

    class Meta:
        model = Membership
        fields = ("organization", "organization_name", "organization_status", "role")
        read_only_fields = fields


class MeSerializer(serializers.Serializer[Any]):
    """Who the caller is and what the credential allows."""

    id = serializers.UUIDField()
    email = serializers.EmailField()
    name = serializers.CharField()
    staff_role = serializers.ChoiceField(choices=User.StaffRole.choices, allow_blank=True)
    two_factor = serializers.BooleanField()
    memberships = MyMembershipSerializer(many=True)
    token_name = serializers.CharField(allow_null=True, help_text="null for a browser session")
    token_scopes = serializers.ListField(child=serializers.CharField(), allow_null=True)
    token_expires_at = serializers.DateTimeField(allow_null=True)


class MeView(APIView):
    """Who am I, and where may I act?"""

    scope = "account"

    @extend_schema(operation_id="me", responses=MeSerializer, summary="Who the caller is")
    def get(self, request: Request) -> Response:
        user = request.user
        assert isinstance(user, User)
        token = request.auth if isinstance(request.auth, ApiToken) else None
        return Response(
            MeSerializer(
                {
                    "id": user.pk,
                    "email": user.email,
                    "name": user.name,
                    "staff_role": user.staff_role,
                    "two_factor": is_mfa_enabled(user),
                    "memberships": user.memberships.select_related("organization"),
                    "token_name": token.name if token else None,
                    "token_scopes": token.scopes if token else None,
                    "token_expires_at": token.expires_at if token else None,
                }
            ).data
        )


@extend_schema_view(
    list=extend_schema(summary="Organizations the caller belongs to (staff: all)"),
    retrieve=extend_schema(summary="One organization with its checklist and next step"),
)
class OrganizationViewSet(ListModelMixin, RetrieveModelMixin, GenericViewSet[Organization]):
    """Organizations the caller can see."""

    scope = "account"
    lookup_field = "slug"
    queryset = Organization.objects.none()
    filterset_fields = ("status", "kind")

    def get_queryset(self) -> QuerySet[Organization]:
        return Organization.objects.visible_to(self.request.user)

    def get_serializer_class(self) -> Any:
        return OrganizationSerializer if self.action == "list" else OrganizationDetailSerializer

    @extend_schema(
        summary="Found an organization; the caller becomes its owner",
        request=OrganizationCreateSerializer,
        responses={201: OrganizationDetailSerializer, 409: RefusalSerializer},
    )
    def create(self, request: Request) -> Response:
        form = OrganizationCreateSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        organization = services.create_organization(**form.validated_data, actor=_user(request))
        return Response(self._detail(organization), status=status.HTTP_201_CREATED)

    @extend_schema(
        summary="Answer one check",
        request=EvidenceSerializer,
        responses={200: OrganizationDetailSerializer, 409: RefusalSerializer},
    )
    @action(detail=True, methods=["put"], url_path=r"checklist/(?P<key>[a-z_]+)")
    def evidence(self, request: Request, slug: str, key: str) -> Response:
        organization = self.get_object()
        form = EvidenceSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        services.save_evidence(organization=organization, key=key, actor=_user(request), **form.validated_data)
        return Response(self._detail(self.get_object()))

    @extend_schema(
        summary="Submit for verification",
        request=None,
        responses={200: OrganizationDetailSerializer, 409: RefusalSerializer},
    )
    @action(detail=True, methods=["post"])
    def submit(self, request: Request, slug: str) -> Response:
        organization = services.submit_organization(organization=self.get_object(), actor=_user(request))
        return Response(self._detail(organization))

    @extend_schema(summary="Members and their roles", responses=MemberSerializer(many=True), filters=False)
    @action(detail=True, methods=["get"], filterset_fields=())
    def members(self, request: Request, slug: str) -> Response:
        page: Any = self.paginate_queryset(cast(Any, selectors.visible_members(self.get_object())))
        return self.get_paginated_response(MemberSerializer(page, many=True).data)

    def _detail(self, organization: Organization) -> Any:
        return OrganizationDetailSerializer(organization, context=self.get_serializer_context()).data


def _user(request: Request) -> User:
    assert isinstance(request.user, User)
    return request.user


ROUTES = [("organizations", OrganizationViewSet, "api-organization")]
API_URLS = [path("me/", MeView.as_view(), name="api-me")]
