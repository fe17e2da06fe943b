"""How the API describes itself (drf-spectacular): title, examples, names of its enumerations. Nothing of it is env-driven."""

SPECTACULAR_SETTINGS = {
    "TITLE": "GetDATA API",
    "VERSION": "1",
    "DESCRIPTION": "Requests, offers, batches, uploads, reviews and releases of the GetDATA marketplace.",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "COMPONENT_SPLIT_REQUEST": True,
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "getdata.common.openapi.add_examples",
        "getdata.common.openapi.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "OrganizationStatus": "getdata.accounts.models.OrganizationStatus",
        "OrganizationKind": "getdata.accounts.models.Organization.Kind",
        "RequestStatus": "requests_app.models.RequestStatus",
        "HiddenReason": "requests_app.models.HiddenReason",
        "OfferStatus": "requests_app.models.OfferStatus",
        "FulfillmentStatus": "fulfillment.models.FulfillmentStatus",
        "BatchStatus": "fulfillment.models.BatchStatus",
        "FileStatus": "fulfillment.models.SourceFileStatus",
        "FileKind": "fulfillment.models.SourceKind",
        "ReleaseStatus": "fulfillment.models.ReleaseStatus",
    },
}
