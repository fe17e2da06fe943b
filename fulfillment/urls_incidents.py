"""Addresses of incidents; ``fulfillment.urls`` includes them."""

from django.urls import path

from fulfillment.views import incidents

urlpatterns = [
    path("incidents/", incidents.incident_list, name="incident_list"),
    path("incidents/new/", incidents.incident_new, name="incident_new"),
    path("incidents/<uuid:pk>/", incidents.incident_detail, name="incident_detail"),
    path("incidents/<uuid:pk>/things/", incidents.incident_add, name="incident_add"),
    path("incidents/<uuid:pk>/entries/", incidents.incident_write, name="incident_write"),
    path("incidents/<uuid:pk>/contain/", incidents.incident_contain, name="incident_contain"),
    path("incidents/<uuid:pk>/close/", incidents.incident_close, name="incident_close"),
    path("incidents/<uuid:pk>/things/<uuid:scope>/lift/", incidents.incident_lift, name="incident_lift"),
]
