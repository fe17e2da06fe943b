"""The API of deliveries and reviews, for ``getdata.api`` to mount under ``/api/v1/``."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from django.urls import URLPattern, path

from fulfillment.api.deliveries import BatchViewSet, FileViewSet, FulfillmentViewSet, ImageViewSet
from fulfillment.api.uploads import BatchFiles, KnownFiles, UploadCreation, UploadView

ROUTES: list[tuple[str, Any, str]] = [
    ("fulfillments", FulfillmentViewSet, "api-fulfillment"),
    ("batches", BatchViewSet, "api-batch"),
    ("files", FileViewSet, "api-file"),
    ("images", ImageViewSet, "api-image"),
]
API_URLS: list[URLPattern] = [
    path("batches/<uuid:batch_pk>/files/", BatchFiles.as_view(), name="api-batch-files"),
    path("batches/<uuid:batch_pk>/uploads/", UploadCreation.as_view(), name="api-batch-uploads"),
    path("batches/<uuid:batch_pk>/uploads/known/", KnownFiles.as_view(), name="api-batch-uploads-known"),
    path("uploads/<uuid:pk>", UploadView.as_view(), name="api-upload"),
]

# --- reviews and releases add theirs here -----------------------------------------------------------------------------
if find_spec("fulfillment.api.review"):
    _review = import_module("fulfillment.api.review")
    ROUTES += getattr(_review, "ROUTES", [])
    API_URLS += getattr(_review, "API_URLS", [])
    API_URLS += import_module("fulfillment.api.release_access").API_URLS
    API_URLS += import_module("fulfillment.api.inspection").API_URLS
