"""Every address of the portal."""

from __future__ import annotations

from importlib.util import find_spec

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("allauth.urls")),
    *(
        path("", include(module))
        for module in (
            "getdata.pages.urls",
            "getdata.accounts.urls",
            "getdata.notifications.urls",
            "requests_app.urls",
            "fulfillment.urls",
        )
        if find_spec(module)
    ),
    *([path("api/v1/", include("getdata.api"))] if find_spec("getdata.api") else []),
]
