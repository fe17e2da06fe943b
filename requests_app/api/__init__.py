"""Requests, offers and agreements over the API: the same services and the same visibility as the pages."""

from __future__ import annotations

from django.urls import path

from requests_app.api.deals import AgreementViewSet, OfferViewSet
from requests_app.api.documents import DatasetSpecSchemaView, LintView, SpecSchemaView
from requests_app.api.feasibility import FeasibilityViewSet
from requests_app.api.matching import CapabilityView, MatchCountsView, MatchesView
from requests_app.api.meter import MeterView
from requests_app.api.questions import URLS as TALK_URLS
from requests_app.api.requests import RequestViewSet
from requests_app.api.saved_searches import SavedSearchViewSet

ROUTES = [
    ("requests", RequestViewSet, "api-request"),
    ("offers", OfferViewSet, "api-offer"),
    ("feasibilities", FeasibilityViewSet, "api-feasibility"),
    ("agreements", AgreementViewSet, "api-agreement"),
    ("saved-searches", SavedSearchViewSet, "api-saved-search"),
]
API_URLS = [
    path("dataset-spec.schema.json", DatasetSpecSchemaView.as_view(), name="api-dataset-spec-schema"),
    path("spec-schema/", SpecSchemaView.as_view(), name="api-spec-schema"),
    path("requests/<slug:slug>/meter/", MeterView.as_view(), name="api-request-meter"),
    path("lint/", LintView.as_view(), name="api-lint"),
    path("hospitals/<slug:slug>/capability/", CapabilityView.as_view(), name="api-capability"),
    path("hospitals/<slug:slug>/matches/", MatchesView.as_view(), name="api-matches"),
    path("requests/<slug:slug>/match-counts/", MatchCountsView.as_view(), name="api-match-counts"),
    *TALK_URLS,
]
