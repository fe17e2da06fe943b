"""The addresses of DICOMweb. Base addresses for clients: ``/dicomweb/batches/<id>``, ``/dicomweb/hospitals/<slug>`` to store,
``/dicomweb/releases/<id>`` to search and retrieve."""

from django.urls import URLPattern, URLResolver, path

from fulfillment.dicomweb import matching
from fulfillment.dicomweb.retrieve_views import BulkData, Frames, Instances, Rendered, Thumbnail
from fulfillment.dicomweb.search_views import Metadata, Search
from fulfillment.dicomweb.store_views import BatchStore, HospitalStore

_BATCH = "dicomweb/batches/<uuid:batch_pk>/studies"
_HOSPITAL = "dicomweb/hospitals/<slug:slug>/studies"
_RELEASE = "dicomweb/releases/<uuid:release_pk>"
_STUDY = f"{_RELEASE}/studies/<str:study>"
_SERIES = f"{_STUDY}/series/<str:series>"
_INSTANCE = f"{_SERIES}/instances/<str:instance>"

_studies = Search.as_view(level=matching.STUDY)
_series = Search.as_view(level=matching.SERIES)
_instances = Search.as_view(level=matching.INSTANCE)

urlpatterns: list[URLPattern | URLResolver] = [
    path(_BATCH, BatchStore.as_view(), name="dicomweb_batch_store"),
    path(f"{_BATCH}/<str:study>", BatchStore.as_view(), name="dicomweb_batch_store_study"),
    path(_HOSPITAL, HospitalStore.as_view(), name="dicomweb_hospital_store"),
    path(f"{_HOSPITAL}/<str:study>", HospitalStore.as_view(), name="dicomweb_hospital_store_study"),
    path(f"{_RELEASE}/studies", _studies, name="dicomweb_studies"),
    path(f"{_RELEASE}/series", _series, name="dicomweb_series"),
    path(f"{_RELEASE}/instances", _instances, name="dicomweb_instances"),
    path(f"{_STUDY}/series", _series),
    path(f"{_STUDY}/instances", _instances),
    path(f"{_SERIES}/instances", _instances),
    *[path(f"{place}/metadata", Metadata.as_view()) for place in (_STUDY, _SERIES, _INSTANCE)],
    *[path(place, Instances.as_view()) for place in (_STUDY, _SERIES, _INSTANCE)],
    *[path(f"{place}/thumbnail", Thumbnail.as_view()) for place in (_STUDY, _SERIES, _INSTANCE)],
    path(f"{_INSTANCE}/frames/<str:frames>", Frames.as_view()),
    path(f"{_INSTANCE}/frames/<str:frames>/rendered", Rendered.as_view()),
    path(f"{_INSTANCE}/rendered", Rendered.as_view()),
    path(f"{_INSTANCE}/bulkdata/<path:path>", BulkData.as_view()),
]
