"""Addresses of openings and of the audit log's export."""

from django.urls import path

from getdata.trust import views

_ONE = "organizations/<slug:slug>/"

urlpatterns = [
    path(f"{_ONE}openings/", views.organization_openings, name="organization_openings"),
    path(f"{_ONE}openings/<uuid:pk>/end/", views.opening_end, name="opening_end"),
    path(f"{_ONE}audit.csv", views.organization_audit_csv, name="organization_audit_csv"),
    path(f"{_ONE}audit.json", views.organization_audit_json, name="organization_audit_json"),
]
