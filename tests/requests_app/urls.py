"""The portal's addresses with the requests' API mounted, whether or not the portal mounts it already."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from getdata.urls import urlpatterns as portal
from requests_app.api import API_URLS, ROUTES

router = DefaultRouter()
for _prefix, _view, _name in ROUTES:
    router.register(_prefix, _view, basename=_name)

urlpatterns = [path("api/v1/", include([*API_URLS, *router.urls])), *portal]
