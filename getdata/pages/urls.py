from django.urls import path
from drf_spectacular.views import SpectacularAPIView

from getdata.pages import docs, health, metrics, views
from getdata.pages.operations import views as operations

urlpatterns = [
    path("", views.home, name="home"),
    path("dashboard/", views.dashboard, name="dashboard"),
    path("how-de-identification-works/", views.about_deid, name="about_deid"),
    path("quality/", views.quality_guide, name="quality_guide"),
    path("styleguide/", views.styleguide, name="styleguide"),
    path("operations/", operations.operations, name="operations"),
    path("operations/files/", operations.operations_files, name="operations_files"),
    path("operations/requests/", operations.operations_requests, name="operations_requests"),
    path("operations/uploads/", operations.operations_uploads, name="operations_uploads"),
    path("operations/releases/<slug:key>/", operations.operations_releases, name="operations_releases"),
    path("operations/access/<slug:key>/", operations.operations_access, name="operations_access"),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("api/v1/schema/", SpectacularAPIView.as_view(), name="api_schema"),
    path("api/docs/", docs.api_docs, name="api_docs"),
]
