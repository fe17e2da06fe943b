"""Offers: made, compared, withdrawn, declined."""

from __future__ import annotations

import uuid
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
from requests_app.forms.deals import LawForm, OfferForm, PartForm
from requests_app.meter import meter_rows
from requests_app.models import DatasetRequest, Feasibility, Offer, OfferStatus, RequestStatus, SpecVersion
from requests_app.offer_table import deviations_of, offer_table
from requests_app.selectors import (
    compare_offer,
    offer_next_step,
    offering_hospitals,
    unsigned_parties,
)
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
    counted = _counted(request, version, hospitals)
    form = OfferForm(request.POST or None, hospitals=hospitals, spec=spec, counted=counted)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            made = services.submit_offer(
                request=item,
                hospital=data["hospital"],
                images=data["images"],
                patients=data["patients"] or 0,
                cells=form.cells(),
                deviations=form.deviations(),
                message=data["message"],
                terms=data["terms"],
                deliver_from=data["deliver_from"],
                deliver_by=data["deliver_by"],
                feasibility=counted if counted and counted.hospital_id == data["hospital"].pk else None,
                actor=user,
            )
        except CannotDo as refusal:
            form.add_error(None, refusal_text(refusal))
        else:
            messages.success(request, f"Your offer is with {item.organization.name}. You will be told.")
            return redirect(made)
    rows = {row.check_id: row for row in meter_rows(item, user)}
    context = {
        "item": item,
        "version": version,
        "spec": spec,
        "form": form,
        "lines": [(form[f"cell-{i}"], line, rows.get(line.check_id)) for i, line in enumerate(form.lines)],
        "whole": next(iter(rows.values()), None),
        "days": services.OFFER_DAYS,
        "counted": counted,
        "differing": [
            (check_id, level, form[f"percent-{i}"], form[f"differs-{i}"])
            for i, (check_id, _, level) in enumerate(form.differing)
        ],
        "any_differs": any(form[f"differs-{i}"].value() for i in range(len(form.differing))),
    }
    return render(request, "requests_app/offer_new.html", context)


def _part_lines(offer: Offer) -> list[tuple[Any, Any, int]]:
    """The fields of a part that may be accepted, each with its line over all offers and what is offered."""
    form = PartForm(offer=offer, spec=DatasetSpec.model_validate(offer.spec_version.document))
    lines = {line.check_id: line for line in offer_table(offer.request).lines}
    found = [(form["images"], lines.get("cohort.images"), offer.images)]
    found.append((form["patients"], lines.get("cohort.patients"), offer.patients))
    found += [
        (form[f"part-{i}"], lines.get(line.check_id), offer.cells[line.check_id]) for i, line in enumerate(form.lines)
    ]
    return found


def _counted(request: HttpRequest, version: SpecVersion, hospitals: list[Organization]) -> Feasibility | None:
    """The counts named by ``?counts=``, when they are one's own and for the newest version."""
    try:
        wanted = uuid.UUID(request.GET.get("counts", ""))
    except ValueError:
        return None
    mine = Feasibility.objects.filter(hospital__in=hospitals, spec_version=version)
    return mine.visible_to(request.user).filter(pk=wanted).first()


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
    draws = waiting and asks and agreement is None
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
        "deviations": deviations_of(offer),
        "law_form": LawForm(offer=offer, spec=DatasetSpec.model_validate(offer.spec_version.document))
        if draws
        else None,
        "part_lines": _part_lines(offer) if draws else [],
        "may_draw": draws,
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
@require_safe
def offers_compare(request: HttpRequest, slug: str) -> HttpResponse:
    """All live offers on a request side by side, for who asked and for staff."""
    user = _user(request)
    asked = DatasetRequest.objects.visible_to(user).select_related("organization")
    if not user.is_reviewer:
        asked = asked.filter(organization__memberships__user=user)
    item = get_object_or_404(asked, slug=slug, opened_at__isnull=False)
    table = offer_table(item)
    return render(
        request,
        "requests_app/offers_compare.html",
        {"item": item, "table": table, "writer": can(user, "write", item.organization)},
    )


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


def _offer(request: HttpRequest, pk: str) -> Offer:
    offers = Offer.objects.visible_to(request.user).select_related(
        "request__organization", "hospital", "spec_version", "created_by", "feasibility"
    )
    return get_object_or_404(offers, pk=pk)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
