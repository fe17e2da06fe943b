"""The API, version 1: every app's routes in one place."""

from __future__ import annotations

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from fulfillment import api as fulfillment_api
from getdata.accounts import api as accounts_api
from getdata.notifications import api as notifications_api
from getdata.trust import api as trust_api
from getdata.webhooks import api as webhooks_api
from requests_app import api as requests_api

router = SimpleRouter()
urlpatterns = []
for module in (accounts_api, notifications_api, webhooks_api, trust_api, requests_api, fulfillment_api):
    for prefix, viewset, basename in module.ROUTES:
        router.register(prefix, viewset, basename=basename)
    urlpatterns += module.API_URLS
urlpatterns += [path("", include(router.urls))]
