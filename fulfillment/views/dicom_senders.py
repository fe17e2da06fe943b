"""How a hospital's systems deliver: the addresses of DICOMweb, and the allow-list of the C-STORE listener."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST

from fulfillment.dicomweb.targets import open_batch
from fulfillment.models import Batch, BatchStatus, DicomSender, Fulfillment
from fulfillment.services import dicom_senders as services
from getdata.accounts.models import Organization
from getdata.accounts.permissions import require
from getdata.accounts.views.common import frame, organization_or_404, person
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals

_PAGE = ["GET", "HEAD", "POST"]
_FIELD_OF = {"bad_ae_title": "ae_title", "bad_address": "address", "sender_taken": "ae_title"}


class SenderForm(forms.Form):
    """Who sends, from where, and what it is for."""

    ae_title = forms.CharField(
        label="Calling AE title",
        max_length=16,
        help_text="As your PACS or gateway names itself; capitals matter.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    address = forms.CharField(
        label="Comes from",
        max_length=49,
        help_text="The IP address we see, or a network such as 192.0.2.0/24. A title from anywhere else is refused.",
        widget=forms.TextInput(attrs={"spellcheck": "false", "autocomplete": "off"}),
    )
    delivery = forms.ModelChoiceField(
        queryset=Fulfillment.objects.none(),
        required=False,
        label="Delivers to",
        empty_label="whichever batch is open, if there is only one",
        help_text="Name a delivery if you have several: what is sent lands in its open batch.",
    )

    def __init__(self, *args: Any, hospital: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["delivery"]
        field.queryset = services.deliveries_of(hospital)
        field.label_from_instance = lambda delivery: delivery.request.title


def _hospital(request: HttpRequest, slug: str) -> Organization:
    """The hospital, for those who may manage its senders. Others are refused; other organizations have no such page."""
    organization = organization_or_404(request, slug)
    if not organization.is_hospital:
        raise Http404
    if not services.may_manage(person(request), organization):
        require(person(request), "upload", organization)
    return organization


@login_required
@require_http_methods(_PAGE)
@shows_refusals("organization_detail")
def dicom_sender_list(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Addresses to send to, the senders that are let in, and the form for another one."""
    user, hospital = person(request), _hospital(request, slug)
    form = SenderForm(request.POST or None, hospital=hospital)
    if request.method == "POST" and form.is_valid():
        try:
            services.add_sender(hospital=hospital, actor=user, **form.cleaned_data)
        except CannotDo as refusal:
            form.add_error(_FIELD_OF.get(refusal.code), refusal_text(refusal))
        else:
            messages.success(request, "It is let in from now on. A C-ECHO from it shows whether the line stands.")
            return redirect("dicom_sender_list", slug=slug)
    target, problem = _target(hospital)
    context = {
        **frame(hospital, user, "dicom"),
        "form": form,
        "senders": hospital.dicom_senders.select_related("delivery__request"),
        "store_address": _base("dicomweb_hospital_store", slug),
        "open_batches": _open_batches(request, hospital),
        "target": target,
        "problem": problem,
        "host": settings.DICOM_PUBLIC_HOST or urlsplit(settings.PUBLIC_URL).hostname,
        "port": settings.DICOM_PORT,
        "called": settings.DICOM_AE_TITLE,
        "tls": _tls_in_words(),
    }
    return render(request, "fulfillment/dicom/senders.html", context)


@login_required
@require_http_methods(_PAGE)
@shows_refusals("organization_detail")
def dicom_sender_detail(request: HttpRequest, slug: str, pk: UUID) -> HttpResponseBase:
    """Correct a sender, or take it off the list."""
    user, hospital = person(request), _hospital(request, slug)
    sender = _sender(request, hospital, pk)
    initial = {"ae_title": sender.ae_title, "address": sender.address, "delivery": sender.delivery}
    form = SenderForm(request.POST or None, hospital=hospital, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            services.change_sender(sender=sender, actor=user, **form.cleaned_data)
        except CannotDo as refusal:
            form.add_error(_FIELD_OF.get(refusal.code), refusal_text(refusal))
        else:
            messages.success(request, "Saved.")
            return redirect("dicom_sender_list", slug=slug)
    return render(request, "fulfillment/dicom/sender.html", {"organization": hospital, "sender": sender, "form": form})


@login_required
@require_POST
@shows_refusals("dicom_sender_list")
def dicom_sender_switch(request: HttpRequest, slug: str, pk: UUID) -> HttpResponseBase:
    """Let it in, or no more."""
    sender = _sender(request, _hospital(request, slug), pk)
    services.switch_sender(sender=sender, enabled=not sender.is_enabled, actor=person(request))
    messages.success(request, "It is refused from now on." if sender.is_enabled else "It is let in from now on.")
    return redirect("dicom_sender_list", slug=slug)


@login_required
@require_POST
@shows_refusals("dicom_sender_list")
def dicom_sender_remove(request: HttpRequest, slug: str, pk: UUID) -> HttpResponseBase:
    """Take it off the list."""
    services.remove_sender(sender=_sender(request, _hospital(request, slug), pk), actor=person(request))
    messages.success(request, "The sender is removed. What it delivered stays.")
    return redirect("dicom_sender_list", slug=slug)


def _sender(request: HttpRequest, hospital: Organization, pk: UUID) -> DicomSender:
    found = DicomSender.objects.visible_to(request.user).select_related("hospital", "delivery")
    return get_object_or_404(found, pk=pk, hospital=hospital)


def _target(hospital: Organization) -> tuple[Batch | None, CannotDo | None]:
    try:
        return open_batch(hospital), None
    except CannotDo as refusal:
        return None, refusal


def _open_batches(request: HttpRequest, hospital: Organization) -> list[tuple[Batch, str]]:
    """Open batches with their own addresses."""
    found = Batch.objects.visible_to(request.user).filter(fulfillment__hospital=hospital, status=BatchStatus.OPEN)
    return [
        (batch, _base("dicomweb_batch_store", batch.pk)) for batch in found.select_related("fulfillment__request")[:20]
    ]


def _base(name: str, key: object) -> str:
    """The base address of a DICOMweb client: what it sends to, without the resource."""
    return f"{settings.PUBLIC_URL}{reverse(name, args=[key])}".removesuffix("/studies")


def _tls_in_words() -> str:
    if not settings.DICOM_TLS_CERTIFICATE:
        return "off: send through a VPN"
    return "on, with a certificate of yours" if settings.DICOM_TLS_CLIENT_CA else "on"
