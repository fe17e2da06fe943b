"""Downloading the certificate of a batch, and the public key it is verified with."""

from __future__ import annotations

from uuid import UUID

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from fulfillment.models import Batch, DeidCertificate
from fulfillment.services.certificates import certificate_as_pdf, current_certificate, signing_key
from fulfillment.views.deliveries import get_batch
from getdata.trust.signing import known_keys


def _current(request: HttpRequest, pk: UUID) -> tuple[Batch, DeidCertificate]:
    batch = get_batch(request, pk)
    certificate = current_certificate(batch)
    if certificate is None:
        raise Http404
    return batch, certificate


def _file(content: bytes, kind: str, name: str) -> HttpResponse:
    response = HttpResponse(content, content_type=kind)
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    response["Cache-Control"] = "private, no-store"
    return response


@login_required
@require_safe
def batch_certificate(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The JSON file, byte for byte as it was signed."""
    batch, certificate = _current(request, pk)
    return _file(certificate.text.encode(), "application/json", f"deid_certificate-batch-{batch.number}.json")


@login_required
@require_safe
def batch_certificate_pdf(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The reading copy."""
    batch, certificate = _current(request, pk)
    return _file(certificate_as_pdf(certificate), "application/pdf", f"deid_certificate-batch-{batch.number}.pdf")


@require_safe
def signing_public_key(request: HttpRequest) -> HttpResponse:
    """The portal's public key (PEM), for anybody who verifies a certificate."""
    return _file(signing_key().public_pem(), "application/x-pem-file", "getdata-certificates.pub")


@require_safe
def signing_public_keys(request: HttpRequest) -> JsonResponse:
    """Every key that signs or has signed here, oldest first: a signature names its key by fingerprint.

    ``handover`` is signed by the key before, so that whoever trusts one fingerprint can follow to the next.
    """
    return JsonResponse(
        {
            "keys": [
                {
                    "fingerprint": key.fingerprint,
                    "public_key": key.public.hex(),
                    "retired_at": key.retired_at and key.retired_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
                    "handover": key.handover,
                }
                for key in known_keys()
            ]
        }
    )
