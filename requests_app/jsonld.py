"""A public request for machines that read pages: schema.org Dataset in Croissant 1.0, which search engines and ML tools both know.

What is described is wanted, not yet collected: ``creativeWorkStatus`` says so, and the one file is the specification.
"""

from __future__ import annotations

import json
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.safestring import SafeString, mark_safe

from requests_app.models import Category, DatasetRequest, RequestStatus, SpecVersion
from requests_app.spec import DatasetSpec, summarise

#: Of the Croissant format 1.0 (https://docs.mlcommons.org/croissant/docs/croissant-spec.html).
_CONTEXT: dict[str, Any] = {
    "@language": "en",
    "@vocab": "https://schema.org/",
    "citeAs": "cr:citeAs",
    "column": "cr:column",
    "conformsTo": "dct:conformsTo",
    "cr": "http://mlcommons.org/croissant/",
    "rai": "http://mlcommons.org/croissant/RAI/",
    "data": {"@id": "cr:data", "@type": "@json"},
    "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
    "dct": "http://purl.org/dc/terms/",
    "equivalentProperty": "cr:equivalentProperty",
    "examples": {"@id": "cr:examples", "@type": "@json"},
    "extract": "cr:extract",
    "field": "cr:field",
    "fileProperty": "cr:fileProperty",
    "fileObject": "cr:fileObject",
    "fileSet": "cr:fileSet",
    "format": "cr:format",
    "includes": "cr:includes",
    "isLiveDataset": "cr:isLiveDataset",
    "jsonPath": "cr:jsonPath",
    "key": "cr:key",
    "md5": "cr:md5",
    "parentField": "cr:parentField",
    "path": "cr:path",
    "recordSet": "cr:recordSet",
    "references": "cr:references",
    "regex": "cr:regex",
    "repeated": "cr:repeated",
    "replace": "cr:replace",
    "samplingRate": "cr:samplingRate",
    "sc": "https://schema.org/",
    "separator": "cr:separator",
    "source": "cr:source",
    "subField": "cr:subField",
    "transform": "cr:transform",
}
_STATUS = {RequestStatus.OPEN: "Wanted: hospitals deliver to this request", RequestStatus.CLOSED: "No longer wanted"}


def request_jsonld(request: DatasetRequest, version: SpecVersion) -> dict[str, Any]:
    """The description of an open or closed request's newest version."""
    spec = DatasetSpec.model_validate(version.document)
    page = f"{settings.PUBLIC_URL}{request.get_absolute_url()}"
    described = spec.purpose.description or summarise(spec)[0]
    found: dict[str, Any] = {
        "@context": _CONTEXT,
        "@type": "sc:Dataset",
        "@id": page,
        "conformsTo": "http://mlcommons.org/croissant/1.0",
        "name": request.title,
        "description": described,
        "url": page,
        "identifier": f"urn:uuid:{request.pk}",
        "version": f"{version.number}.0.0",
        "creativeWorkStatus": _STATUS[RequestStatus(request.status)],
        "datePublished": f"{request.opened_at or version.created_at:%Y-%m-%d}",
        "dateModified": f"{version.created_at:%Y-%m-%d}",
        "creator": {"@type": "sc:Organization", "name": request.organization.name},
        "keywords": _keywords(request, spec),
        "measurementTechnique": Category(request.category).label,
        "license": f"{page}#lines",
        "isAccessibleForFree": False,
        "includedInDataCatalog": catalog(),
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": "specification",
                "name": "specification",
                "description": "What is asked for, line by line, as a machine checks it.",
                "contentUrl": f"{page}spec.json?version={version.number}",
                "encodingFormat": "application/json",
                "sha256": version.sha256,
            }
        ],
    }
    if spec.labels.findings:
        found["recordSet"] = [_findings()]
    return found


def catalog() -> dict[str, Any]:
    """The portal as a schema.org DataCatalog."""
    place = f"{settings.PUBLIC_URL}{reverse('request_list')}"
    return {"@type": "sc:DataCatalog", "@id": place, "name": "GetDATA", "url": place}


def data_block(document: dict[str, Any]) -> SafeString:
    """JSON for ``<script type="application/ld+json">``: data, which no browser runs. Nothing in it can end the element."""
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return mark_safe(text)  # noqa: S308 - escaped above


def _keywords(request: DatasetRequest, spec: DatasetSpec) -> list[str]:
    words = [Category(request.category).label, *(line.view.plain for line in spec.projections)]
    words += [line.finding for line in spec.labels.findings]
    return list(dict.fromkeys(words))


def _findings() -> dict[str, Any]:
    """The findings that are asked for, read out of the specification itself."""

    def column(name: str, what: str, path: str) -> dict[str, Any]:
        return {
            "@type": "cr:Field",
            "@id": f"findings/{name}",
            "name": f"findings/{name}",
            "description": what,
            "dataType": "sc:Text",
            "source": {
                "fileObject": {"@id": "specification"},
                "extract": {"jsonPath": f"$.labels.findings[*].{path}"},
            },
        }

    return {
        "@type": "cr:RecordSet",
        "@id": "findings",
        "name": "findings",
        "description": "The findings that are asked for.",
        "field": [
            column("finding", "The finding, in the words of the request's label list.", "finding"),
            column("annotation", "How it is marked: image, box, polygon or mask.", "annotation"),
        ],
    }
