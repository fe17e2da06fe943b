"""Offers and agreements: made, compared, withdrawn, declined, drawn up, signed."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import Organization, User
from getdata.accounts.permissions import can
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from getdata.common.states import StaleState
from requests_app.agreements import blocks
from requests_app.forms.small import OfferForm, SignForm
from requests_app.models import Agreement, DatasetRequest, Offer, OfferStatus, RequestStatus
from requests_app.selectors import (
    compare_offer,
    meter_rows,
    offer_next_step,
    offering_hospitals,
    unsigned_parties,
)
from requests_app.services import agreements as agreement_services
from requests_app.services import offers as services
from requests_app.spec import DatasetSpec, diff


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def offer_new(request: HttpRequest, slug: str) -> HttpResponseBase:
    """Count what the hospital can deliver, line by line."""
    user = _user(request)
    item = get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)
    version = item.current_version
    hospitals = offering_hospitals(user, item)
    if item.status != RequestStatus.OPEN or version is None or not hospitals:
        messages.info(request, "You cannot make an offer on this request: see its page for what is needed.")
        return redirect(item)
    spec = DatasetSpec.model_validate(version.document)
    form = OfferForm(request.POST or None, hospitals=hospitals, spec=spec)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.submit_offer(
                request=item,
                hospital=data["hospital"],
                images=data["images"],
                patients=data["patients"] or 0,
                cells=form.cells(),
                message=data["message"],
                deliver_by=data["deliver_by"],
                actor=user,
            )
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, f"Your offer is with {item.organization.name}. You will be told.")
            return redirect(made)
    rows = {row.check_id: row for row in meter_rows(item, spec)}
    context = {
        "item": item,
        "version": version,
        "spec": spec,
        "form": form,
        "lines": [(form[f"cell-{i}"], line, rows.get(line.check_id)) for i, line in enumerate(form.lines)],
        "whole": next(iter(rows.values()), None),
        "days": services.OFFER_DAYS,
    }
    return render(request, "requests_app/offer_new.html", context)


@login_required
@require_safe
def offer_list(request: HttpRequest) -> HttpResponse:
    """Offers my organizations made or received (staff: all), by state, each with its next step."""
    user = _user(request)
    found = Offer.objects.visible_to(user).select_related("request__organization", "hospital", "agreement")
    counts = {value: found.filter(status=value).count() for value in OfferStatus.values}
    chosen = request.GET.get("status", "")
    if chosen in OfferStatus.values:
        found = found.filter(status=chosen)
    page = Paginator(found.order_by("-created_at"), 25).get_page(request.GET.get("page"))
    mine = set(Organization.objects.filter(memberships__user=user).values_list("pk", flat=True))
    context = {
        "page": page,
        "rows": [(offer, offer_next_step(offer, user), offer.hospital_id in mine) for offer in page],
        "tabs": [("", "All", sum(counts.values())), *((v, label, counts[v]) for v, label in OfferStatus.choices)],
        "chosen": chosen,
        "is_hospital": Organization.objects.filter(memberships__user=user, kind=Organization.Kind.HOSPITAL).exists(),
    }
    return render(request, "requests_app/offer_list.html", context)


@login_required
@require_safe
def offer_detail(request: HttpRequest, pk: str) -> HttpResponse:
    """An offer beside its specification, where it stands, and what each side does next."""
    user = _user(request)
    offer = _offer(request, pk)
    waiting = offer.status == OfferStatus.SUBMITTED
    agreement = getattr(offer, "agreement", None)
    asks, offers_it = can(user, "write", offer.request.organization), can(user, "write", offer.hospital)
    current = offer.request.current_version
    changes = []
    if current is not None and current.number > offer.spec_version.number:
        old, new = offer.spec_version.document, current.document
        changes = diff(DatasetSpec.model_validate(old), DatasetSpec.model_validate(new))
    context = {
        "offer": offer,
        "item": offer.request,
        "agreement": agreement,
        "compared": compare_offer(offer),
        "next_step": offer_next_step(offer, user),
        "may_draw": waiting and asks and agreement is None,
        "may_decline": waiting and asks,
        "may_withdraw": waiting and offers_it,
        "signatures": list(agreement.signatures.select_related("organization")) if agreement else [],
        "unsigned": unsigned_parties(offer),
        "current": current,
        "changes": changes,
        "fulfillment_id": str(offer.fulfillment.pk) if hasattr(offer, "fulfillment") else "",
    }
    return render(request, "requests_app/offer_detail.html", context)


@login_required
@require_POST
@shows_refusals("offer_detail")
def offer_withdraw(request: HttpRequest, pk: str) -> HttpResponseBase:
    offer = services.withdraw_offer(offer=_offer(request, pk), note=request.POST.get("note", ""), actor=_user(request))
    messages.success(request, "Your offer is withdrawn.")
    return redirect(offer)


@login_required
@require_POST
@shows_refusals("offer_detail")
def offer_decline(request: HttpRequest, pk: str) -> HttpResponseBase:
    offer = services.decline_offer(offer=_offer(request, pk), note=request.POST.get("note", ""), actor=_user(request))
    messages.success(request, "The offer is declined and the hospital is told.")
    return redirect(offer)


@login_required
@require_POST
@shows_refusals("offer_detail")
def agreement_draw(request: HttpRequest, pk: str) -> HttpResponseBase:
    made = agreement_services.draw_agreement(offer=_offer(request, pk), actor=_user(request))
    messages.success(request, "The agreement is drawn up. Both parties are asked to sign.")
    return redirect(made)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def agreement_detail(request: HttpRequest, pk: str) -> HttpResponseBase:
    """The text to read and print, its signatures, and the form to sign it."""
    user = _user(request)
    agreement = _agreement(request, pk)
    offer = agreement.offer
    may_sign = [party for party in unsigned_parties(offer) if can(user, "sign", party)]
    if offer.status != OfferStatus.SUBMITTED:
        may_sign = []
    form = SignForm(request.POST or None, organizations=may_sign) if may_sign else None
    if request.method == "POST" and form is None:
        messages.info(request, "There is nothing for you to sign here.")
        return redirect(agreement)
    if request.method == "POST" and form is not None and form.is_valid():
        data = form.cleaned_data
        try:
            agreement_services.sign_agreement(
                agreement=agreement,
                organization=data["organization"],
                printed_name=data["printed_name"],
                password=data["password"],
                actor=user,
            )
        except (CannotDo, StaleState) as refusal:
            wrong = isinstance(refusal, CannotDo) and refusal.code == "wrong_password"
            form.add_error("password" if wrong else None, refusal_text(refusal))
        else:
            done = agreement.is_complete
            messages.success(
                request,
                "Signed by both parties. Delivery can begin." if done else "Signed. The other party is asked to sign.",
            )
            return redirect(agreement)
    context: dict[str, Any] = {
        "agreement": agreement,
        "offer": offer,
        "item": offer.request,
        "blocks": list(blocks(agreement.text)),
        "signatures": list(agreement.signatures.select_related("organization")),
        "unsigned": unsigned_parties(offer),
        "form": form,
        "meanings": [agreement_services.signature_meaning(party) for party in may_sign],
        "next_step": offer_next_step(offer, user),
    }
    return render(request, "requests_app/agreement_detail.html", context)


@login_required
@require_safe
def agreement_text_file(request: HttpRequest, pk: str) -> HttpResponse:
    """The text as a file whose own SHA-256 is the one that was signed."""
    agreement = _agreement(request, pk)
    return HttpResponse(
        agreement.text.encode(),
        content_type="text/plain; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="agreement-{agreement.pk}.txt"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _offer(request: HttpRequest, pk: str) -> Offer:
    offers = Offer.objects.visible_to(request.user).select_related(
        "request__organization", "hospital", "spec_version", "created_by"
    )
    return get_object_or_404(offers, pk=pk)


def _agreement(request: HttpRequest, pk: str) -> Agreement:
    agreements = Agreement.objects.visible_to(request.user).select_related(
        "offer__request__organization", "offer__hospital", "offer__spec_version", "drawn_by"
    )
    return get_object_or_404(agreements, pk=pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
