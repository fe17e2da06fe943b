"""Agreements: drawn up, read, signed, taken away as files."""

from __future__ import annotations

from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from getdata.accounts.models import User
from getdata.accounts.permissions import can
from getdata.accounts.second_factor import is_recently_proven, recently_proven
from getdata.accounts.services.proving import has_one_time_codes
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals
from getdata.common.states import StaleState
from requests_app.agreements import agreement_pdf, blocks, law
from requests_app.forms.deals import PartForm, SignForm
from requests_app.models import Agreement, Offer, OfferStatus
from requests_app.selectors import offer_next_step, unsigned_parties
from requests_app.services import agreements as services
from requests_app.spec import DatasetSpec


@login_required
@require_POST
@shows_refusals("offer_detail")
def agreement_draw(request: HttpRequest, pk: str) -> HttpResponseBase:
    offer = _offer(request, pk)
    form = PartForm(request.POST, offer=offer, spec=DatasetSpec.model_validate(offer.spec_version.document))
    part: dict[str, Any] = {}
    if "images" in request.POST:
        if not form.is_valid():
            raise CannotDo(
                "The part you accept cannot be read.",
                remedy="Enter whole numbers in every line.",
                code="part_unreadable",
            )
        part = form.part()
    for name in ("legal_class", "gdpr_role"):
        if request.POST.get(name):
            part[name] = request.POST[name]
    made = services.draw_agreement(offer=offer, actor=_user(request), **part)
    messages.success(request, "The agreement is drawn up. Both parties are asked to sign.")
    return redirect(made)


@login_required
@recently_proven
@require_http_methods(["GET", "HEAD", "POST"])
def agreement_detail(request: HttpRequest, pk: str) -> HttpResponseBase:
    """The text to read and print, its signatures, and the form to sign it."""
    user = _user(request)
    agreement = _agreement(request, pk)
    offer = agreement.offer
    may_sign = [party for party in unsigned_parties(offer) if can(user, "sign", party)]
    if offer.status != OfferStatus.SUBMITTED:
        may_sign = []
    with_code = has_one_time_codes(user)
    form = SignForm(request.POST or None, organizations=may_sign, with_code=with_code) if may_sign else None
    if request.method == "POST" and form is None:
        messages.info(request, "There is nothing for you to sign here.")
        return redirect(agreement)
    if request.method == "POST" and form is not None and form.is_valid():
        data = form.cleaned_data
        try:
            services.sign_agreement(
                agreement=agreement,
                organization=data["organization"],
                printed_name=data["printed_name"],
                password=data["password"],
                code=data.get("code", ""),
                actor=user,
            )
        except (CannotDo, StaleState) as refusal:
            fields = {"wrong_password": "password", "wrong_code": "code"}
            form.add_error(fields.get(getattr(refusal, "code", "")), refusal_text(refusal))
        else:
            # allauth keeps when and how one last proved who one is; the next sensitive page need not ask again.
            method = {"method": "mfa", "type": "totp"} if data.get("code") else {"method": "password"}
            record_authentication(request, user, **method, reauthenticated=True)
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
        "proven": is_recently_proven(request),
        "meanings": [
            services.signature_meaning(party, attests=party.pk == agreement.parties[0].pk) for party in may_sign
        ],
        "basis": law.CLASSES.get(agreement.basis, ""),
        "role": law.ROLES.get(agreement.gdpr_role, ""),
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


@login_required
@require_safe
def agreement_pdf_file(request: HttpRequest, pk: str) -> HttpResponse:
    """The agreement as it stands, to print and file: the same bytes until somebody signs."""
    agreement = _agreement(request, pk)
    return HttpResponse(
        agreement_pdf(agreement),
        content_type="application/pdf",
        headers={
            "Content-Disposition": f'attachment; filename="agreement-{agreement.pk}.pdf"',
            "X-Content-Type-Options": "nosniff",
        },
    )


def _offer(request: HttpRequest, pk: str) -> Offer:
    offers = Offer.objects.visible_to(request.user).select_related("request__organization", "hospital", "spec_version")
    return get_object_or_404(offers, pk=pk)


def _agreement(request: HttpRequest, pk: str) -> Agreement:
    agreements = Agreement.objects.visible_to(request.user).select_related(
        "offer__request__organization", "offer__hospital", "offer__spec_version", "drawn_by"
    )
    return get_object_or_404(agreements, pk=pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
