"""Pages of access: attesting, who of an organization may download, revoking, and the custody ledger."""

from __future__ import annotations

import csv
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from allauth.account.internal.flows.login import record_authentication
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from fulfillment.forms import AttestForm, ExpiryForm, NameForm, ReasonForm
from fulfillment.models import AccessGrant, Release
from fulfillment.selectors import sees_whole_release
from fulfillment.services import attestations, custody, grants
from getdata.accounts.models import User
from getdata.accounts.second_factor import recently_proven
from getdata.accounts.services.proving import has_one_time_codes
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text, shows_refusals

#: Lines of the ledger on a page.
LINES = 50


@login_required
@recently_proven(also_to_look=True, why="download")
@require_http_methods(["GET", "HEAD", "POST"])
def release_attest(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Purpose, country and duties before the first download, signed by proving who one is."""
    user = _user(request)
    release = _release(request, pk)
    grant = attestations.grant_to_attest(release=release, user=user)
    if grant is None:
        bar = grants.what_bars(release=release, user=user)
        messages.info(request, refusal_text(bar) if bar else "There is nothing for you to attest here.")
        return redirect("release_detail", pk=pk)
    terms = attestations.terms_of(release)
    initial = {"country": grant.organization.country, "printed_name": user.name}
    form = AttestForm(request.POST or None, terms=terms, with_code=has_one_time_codes(user), initial=initial)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        data.pop("keeps_duties")
        try:
            attestations.attest(grant=grant, actor=user, **data)
        except CannotDo as refusal:
            fields = {"wrong_password": "password", "wrong_code": "code", "country_not_agreed": "country"}
            form.add_error(fields.get(refusal.code), refusal_text(refusal))
        else:
            method = {"method": "mfa", "type": "totp"} if data.get("code") else {"method": "password"}
            record_authentication(request, user, **method, reauthenticated=True)
            messages.success(request, "Attested. You can download the release now.")
            return redirect("release_detail", pk=pk)
    context = {"release": release, "grant": grant, "terms": terms, "form": form}
    return render(request, "fulfillment/releases/attest.html", context)


@login_required
@require_safe
def grant_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Who of the granted organization may download, what they attested, and until when."""
    return _grant_page(request, _grant(request, pk))


@login_required
@recently_proven
@require_POST
@shows_refusals("grant_detail")
def grant_name(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Name a person."""
    grant = _grant(request, pk)
    form = NameForm(request.POST, people=grants.nameable(grant))
    if not form.is_valid():
        return _grant_page(request, grant, name_form=form)
    person = form.cleaned_data["person"]
    grants.name_user(grant=grant, user=person, actor=_user(request))
    messages.success(request, f"{person} may download once they have attested.")
    return redirect(grant)


@login_required
@require_POST
@shows_refusals("grant_detail")
def grant_remove(request: HttpRequest, pk: UUID, named: UUID) -> HttpResponseBase:
    """Take a name off."""
    grant = _grant(request, pk)
    row = get_object_or_404(
        grant.named.select_related("user", "grant__organization", "grant__release__request"), pk=named
    )
    grants.remove_user(named=row, actor=_user(request))
    messages.success(request, f"{row.user} may no longer download.")
    return redirect(grant)


@login_required
@recently_proven
@require_POST
@shows_refusals("grant_detail")
def grant_revoke(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """End the access at once (staff)."""
    _staff(request)
    grant = _grant(request, pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        return _grant_page(request, grant, reason_form=form)
    grants.revoke_grant(grant=grant, actor=_user(request), reason=form.cleaned_data["reason"])
    messages.success(request, "The access is revoked, and its people are told to destroy their copies.")
    return redirect(grant)


@login_required
@recently_proven
@require_POST
@shows_refusals("release_detail")
def release_grant(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """A new period for the organization that asked (staff)."""
    _staff(request)
    release = _release(request, pk)
    form = ExpiryForm(request.POST)
    if not form.is_valid():
        raise CannotDo("The day cannot be read.", remedy="Choose a day in the calendar.", code="bad_expiry")
    end = timezone.make_aware(datetime.combine(form.cleaned_data["until"], time.max))
    made = grants.make_grant(release=release, actor=_user(request), expires_at=min(end, _longest(release, end)))
    messages.success(request, f"{made.organization.name} may have the release again; its people attest anew.")
    return redirect(made)


@login_required
@require_safe
def release_custody(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Who took what of a release, when: all of it, what one's own organization took, or where one's own images went."""
    user = _user(request)
    release = _release(request, pk)
    lines = custody.ledger(release=release, user=user)
    whole = sees_whole_release(release, user)
    if request.GET.get("format") == "csv":
        return _ledger_file(release, user, list(lines), whole)
    page = Paginator(lines, LINES).get_page(request.GET.get("page"))
    own = {} if whole else custody.own_images(release=release, user=user, lines=list(page))
    rows = [{"line": line, "own": own.get(line.pk)} for line in page]
    context = {"release": release, "page": page, "rows": rows, "whole": whole}
    return render(request, "fulfillment/releases/custody.html", context)


def _ledger_file(release: Release, user: User, lines: list[Any], whole: bool) -> HttpResponse:
    """The ledger as a table; what one person may read, as on the page."""
    answer = HttpResponse(content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="custody-release-{release.number}.csv"'
    answer["Cache-Control"] = "private, no-store"
    own = {} if whole else custody.own_images(release=release, user=user, lines=lines)
    writer = csv.writer(answer)
    last = ["files", "bytes", "from_byte"] if whole else ["own_images"]
    writer.writerow(["began", "last", "person", "organization", "what", *last])
    for line in lines:
        who = [_plain(str(line.user)), _plain(line.grant.organization.name)]
        taken = ["", "", line.first_byte] if line.path else [line.taken, line.bytes, ""]
        writer.writerow(
            [line.created_at.isoformat(), line.until.isoformat(), *who, "archive" if line.path else "files"]
            + (taken if whole else [own.get(line.pk, 0)])
        )
    return answer


def _plain(text: str) -> str:
    """A cell that no spreadsheet runs as a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _grant_page(
    request: HttpRequest,
    grant: AccessGrant,
    *,
    name_form: NameForm | None = None,
    reason_form: ReasonForm | None = None,
) -> HttpResponse:
    user = _user(request)
    people = grants.nameable(grant)
    may_name = grant.is_live and grants.may_name(user, grant)
    context = {
        "grant": grant,
        "release": grant.release,
        "named": grant.named.filter(removed_at=None)
        .select_related("user", "named_by")
        .prefetch_related("attestations"),
        "removed": grant.named.exclude(removed_at=None).select_related("user", "removed_by"),
        "may_name": may_name,
        "nobody_left": may_name and not people.exists(),
        "name_form": name_form or NameForm(people=people),
        "reason_form": reason_form or ReasonForm(),
        "to_attest": attestations.grant_to_attest(release=grant.release, user=user),
        "me": user,
    }
    return render(request, "fulfillment/releases/grant.html", context)


def _longest(release: Release, end: datetime) -> datetime:
    """A day that is the last one allowed ends when the allowance does, not at midnight."""
    longest = timezone.now() + timedelta(days=grants.grant_days(release))
    return longest if longest.date() == end.date() else end


def _grant(request: HttpRequest, pk: UUID) -> AccessGrant:
    rows = AccessGrant.objects.visible_to(_user(request))
    return get_object_or_404(
        rows.select_related("organization", "release__request__organization", "granted_by", "revoked_by"), pk=pk
    )


def _release(request: HttpRequest, pk: UUID) -> Release:
    rows = Release.objects.visible_to(_user(request)).select_related("request__organization")
    return get_object_or_404(rows, pk=pk)


def _staff(request: HttpRequest) -> None:
    if not _user(request).is_reviewer:
        raise Http404


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user
