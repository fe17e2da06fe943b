"""Nothing but this app's API, for describing it."""

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from getdata.accounts.api import API_URLS, ROUTES

router = SimpleRouter()
for prefix, viewset, basename in ROUTES:
    router.register(prefix, viewset, basename=basename)

urlpatterns = [path("api/v1/", include([*router.urls, *API_URLS]))]
