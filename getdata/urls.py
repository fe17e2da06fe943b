"""Every address of the portal."""

from __future__ import annotations

from django.urls import include, path

from getdata.accounts.views import devices

urlpatterns = [
    path("accounts/sessions/", devices.device_list, name="usersessions_list"),  # in the place of allauth's own page
    path("accounts/", include("allauth.urls")),
    path("api/v1/", include("getdata.api")),
    path("", include("getdata.pages.urls")),
    path("", include("getdata.accounts.urls")),
    path("", include("getdata.notifications.urls")),
    path("", include("getdata.webhooks.urls")),
    path("", include("getdata.trust.urls")),
    path("", include("requests_app.urls")),
    path("", include("fulfillment.urls")),
]
