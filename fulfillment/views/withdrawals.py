"""Pages of withdrawals: the list, taking back, what a withdrawal reached, and each holder's attestation."""

from __future__ import annotations

import csv
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from fulfillment.models import DestructionAttestation, DestructionDuty, DutyStatus, Image, Withdrawal
from fulfillment.models.withdrawals import TIME_TO_DESTROY
from fulfillment.services import withdrawals
from fulfillment.withdrawal_forms import DestroyedForm, WithdrawForm
from getdata.accounts.models import User
from getdata.accounts.permissions import organizations_with
from getdata.accounts.services.proving import has_one_time_codes
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text

A_PAGE = 25
#: Refusal -> the field it is about.
_FIELDS = {"wrong_password": "password", "wrong_code": "code", "nothing_of_that_name": "pseudonym"}


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)  # login_required
    return request.user


def _withdrawal(request: HttpRequest, pk: UUID) -> Withdrawal:
    rows = Withdrawal.objects.visible_to(_user(request)).select_related(
        "hospital", "request__organization", "patient", "study", "release", "asked_by"
    )
    return get_object_or_404(rows, pk=pk)


@login_required
@require_safe
def withdrawal_list(request: HttpRequest) -> HttpResponse:
    """What was taken back, newest first, each with how many holders have attested."""
    user = _user(request)
    seen = Withdrawal.objects.visible_to(user).values("pk")
    rows = (
        Withdrawal.objects.filter(pk__in=seen)
        .select_related("hospital", "request", "patient", "study", "release")
        .annotate(
            holders=Count("duties", distinct=True),
            attested=Count("duties", filter=Q(duties__status=DutyStatus.ATTESTED), distinct=True),
            taken=Count("images", distinct=True),
        )
        .order_by("-created_at")
    )
    context = {
        "page": Paginator(rows, A_PAGE).get_page(request.GET.get("page")),
        "may_withdraw": organizations_with(user, "approve_privacy").filter(fulfillments__isnull=False).exists(),
    }
    return render(request, "fulfillment/withdrawals/list.html", context)


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdrawal_new(request: HttpRequest) -> HttpResponseBase:
    """Take a patient or a study back. ``?image=`` names an image whose patient is meant."""
    user = _user(request)
    form = WithdrawForm(
        request.POST or None, user=user, with_code=has_one_time_codes(user), initial=_initial(request, user)
    )
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        delivery = data["delivery"]
        try:
            made = withdrawals.withdraw(
                hospital=delivery.hospital,
                request=delivery.request,
                actor=user,
                reason=data["reason"],
                pseudonym=data["pseudonym"],
                study_uid=data["study_uid"],
                note=data["note"],
                password=data.get("password", ""),
                code=data.get("code", ""),
            )
        except CannotDo as refusal:
            field = "study_uid" if refusal.code == "nothing_of_that_name" and data["study_uid"] else None
            form.add_error(field or _FIELDS.get(refusal.code), refusal_text(refusal))
        else:
            _proven(request, user, data)
            messages.success(request, "Taken back. Everyone who may hold copies has been told.")
            return redirect(made)
    context = {"form": form, "days": TIME_TO_DESTROY.days}
    return render(request, "fulfillment/withdrawals/new.html", context)


def _initial(request: HttpRequest, user: User) -> dict[str, Any]:
    try:
        key = UUID(request.GET.get("image", ""))
    except ValueError:
        return {}
    image = (
        Image.objects.visible_to(user).filter(pk=key).select_related("source__batch", "series__study__patient").first()
    )
    if image is None:
        return {}
    return {
        "delivery": image.source.batch.fulfillment_id,
        "pseudonym": image.series.study.patient.pseudonym,
    }


@login_required
@require_safe
def withdrawal_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What was taken back, which releases held it, who holds copies until when, and who has attested."""
    user, withdrawal = _user(request), _withdrawal(request, pk)
    duties = list(withdrawal.duties.select_related("organization", "attestation"))
    theirs = not user.is_reviewer and not _hospital_side(user, withdrawal)
    if theirs:  # a holder sees its own duty, and no other holder's
        duties = [duty for duty in duties if duty.organization.memberships.filter(user=user).exists()]
    context = {
        "withdrawal": withdrawal,
        "duties": duties,
        "theirs": theirs,
        "mine": next((duty for duty in duties if withdrawals.may_attest(user, duty)), None),
        "releases": withdrawals.releases_of(withdrawal).annotate(
            held=Count("items", filter=Q(items__image__taken_back__withdrawal=withdrawal))
        ),
        "next": _next_version(withdrawal),
        "files": withdrawals.items_of(withdrawal).count(),
        "images": withdrawal.images.count(),
    }
    return render(request, "fulfillment/withdrawals/detail.html", context)


def _hospital_side(user: User, withdrawal: Withdrawal) -> bool:
    hospital = withdrawal.hospital
    return hospital is not None and hospital.memberships.filter(user=user).exists()


def _next_version(withdrawal: Withdrawal) -> Any:
    """The first published release that no longer holds what was taken back, if there is one."""
    held = withdrawals.releases_of(withdrawal).first()
    if held is None:
        return None
    later = withdrawal.request.releases.filter(status="published", number__gt=held.number)
    return later.order_by("number").first()


@login_required
@require_safe
def withdrawal_files(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What a holder must look for, as CSV: release, path, SHA-256, image."""
    withdrawal = _withdrawal(request, pk)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="withdrawn-{withdrawal.created_at:%Y-%m-%d}.csv"'
    response["Cache-Control"] = "private, no-store"
    rows = csv.writer(response)
    rows.writerow(["release", "path", "sha256", "image_id"])
    for item in withdrawals.items_of(withdrawal).iterator(chunk_size=1000):
        rows.writerow([item.release.number, item.path, item.sha256, item.image.sop_instance_uid])
    return response


@login_required
@require_http_methods(["GET", "HEAD", "POST"])
def withdrawal_attest(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """A holder says that its copies are gone."""
    user, withdrawal = _user(request), _withdrawal(request, pk)
    duties = withdrawal.duties.select_related("organization", "withdrawal__request", "withdrawal__hospital")
    duty = next((one for one in duties if withdrawals.may_attest(user, one)), None)
    if duty is None:
        messages.info(request, "There is nothing for you to attest here.")
        return redirect(withdrawal)
    form = DestroyedForm(request.POST or None, with_code=has_one_time_codes(user), initial={"printed_name": user.name})
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        try:
            withdrawals.attest_destruction(
                duty=duty,
                actor=user,
                printed_name=data["printed_name"],
                password=data.get("password", ""),
                code=data.get("code", ""),
            )
        except CannotDo as refusal:
            form.add_error(_FIELDS.get(refusal.code), refusal_text(refusal))
        else:
            _proven(request, user, data)
            messages.success(request, "Attested. The proof is signed, and the hospital is told.")
            return redirect(withdrawal)
    lines = [line.format(organization=duty.organization.name) for line in withdrawals.STATEMENT]
    context = {"withdrawal": withdrawal, "duty": duty, "form": form, "lines": lines}
    return render(request, "fulfillment/withdrawals/attest.html", context)


@login_required
@require_safe
def destruction_attestation(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The signed file of one attestation, byte for byte, for its holder, the hospital and staff."""
    user = _user(request)
    rows = DestructionAttestation.objects.filter(
        duty__in=DestructionDuty.objects.filter(withdrawal__in=Withdrawal.objects.visible_to(user).values("pk"))
    )
    found = get_object_or_404(rows.select_related("duty__organization", "duty__withdrawal__hospital"), pk=pk)
    own = found.duty.organization.memberships.filter(user=user).exists()
    if not (user.is_reviewer or own or _hospital_side(user, found.duty.withdrawal)):
        raise Http404
    response = HttpResponse(found.text.encode(), content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="destruction_attestation-{found.created_at:%Y-%m-%d}.json"'
    response["Cache-Control"] = "private, no-store"
    return response


def _proven(request: HttpRequest, user: User, data: dict[str, Any]) -> None:
    method = {"method": "mfa", "type": "totp"} if data.get("code") else {"method": "password"}
    record_authentication(request, user, **method, reauthenticated=True)
