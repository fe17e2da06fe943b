"""The portal's addresses with the API mounted, for as long as ``getdata.api`` does not do it."""

from django.urls import include, path
from rest_framework.routers import DefaultRouter

from fulfillment.api import API_URLS, ROUTES
from getdata.urls import urlpatterns as portal

router = DefaultRouter()
for prefix, view, name in ROUTES:
    router.register(prefix, view, name)
urlpatterns = [*portal, path("api/v1/", include([*API_URLS, *router.urls]))]
