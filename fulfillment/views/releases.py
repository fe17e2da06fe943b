"""Releases: prepare, publish, withdraw, download."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from fulfillment.forms import ExpiryForm, ReasonForm
from fulfillment.incident_pages import incident_stopping
from fulfillment.label_worklist import release_rate
from fulfillment.models import Image, Release, ReleaseStatus, Withdrawal
from fulfillment.release_page import citing, figures, loading, versions
from fulfillment.selectors import release_batches, release_breakdown, release_samples, sees_whole_release
from fulfillment.services import attestations, custody, grants, legal, release_window, releases
from getdata.accounts.models import User
from getdata.accounts.second_factor import recently_proven
from getdata.common.refusals import shows_refusals
from requests_app.agreements import law
from requests_app.models import DatasetRequest


@login_required
@require_safe
def release_list(request: HttpRequest) -> HttpResponse:
    """The releases this person may see, newest first."""
    assert isinstance(request.user, User)
    rows = Release.objects.visible_to(request.user).select_related("request__organization")
    page = Paginator(rows, 25).get_page(request.GET.get("page"))
    return render(request, "fulfillment/releases/list.html", {"page": page})


@login_required
@require_safe
def release_detail(request: HttpRequest, pk: UUID) -> HttpResponse:
    """What is in a release, who may have it, who took it."""
    release = _release(request, pk)
    assert isinstance(request.user, User)
    context = _context(request, release) | {"label_rate": release_rate(release, request.user)}
    return render(request, "fulfillment/releases/detail.html", context)


@login_required
@require_safe
def release_state(request: HttpRequest, pk: UUID) -> HttpResponse:
    """The part of the page that changes while the package is being built; once it is settled, the whole page again."""
    if request.headers.get("HX-Request") != "true":
        return redirect("release_detail", pk=pk)
    release = _release(request, pk)
    response = render(request, "fulfillment/releases/_state.html", _context(request, release))
    response["Cache-Control"] = "no-store"
    waits = release.status == ReleaseStatus.DRAFT and not release.is_built and not release.problem
    if request.GET.get("was") == ReleaseStatus.APPROVED:
        waits = release.status == ReleaseStatus.APPROVED
    if not waits:
        response["HX-Refresh"] = "true"
    return response


@login_required
@require_POST
@shows_refusals("review_queue")
def release_prepare(request: HttpRequest, slug: str) -> HttpResponseBase:
    user = _staff(request)
    wanted = get_object_or_404(DatasetRequest.objects.visible_to(user), slug=slug)
    release = releases.prepare_release(request=wanted, actor=user)
    messages.success(request, "The package is being built. A second person publishes it.")
    return redirect("release_detail", pk=release.pk)


@login_required
@recently_proven
@require_POST
@shows_refusals("release_detail")
def release_publish(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _staff(request)
    published = releases.publish_release(release=_release(request, pk), actor=user, seen=_round(request))
    if published.status == ReleaseStatus.PUBLISHED:
        messages.success(request, "The release is published, and the researchers are told.")
    else:
        messages.success(
            request, f"Published: it goes live at {published.live_at:%H:%M} UTC, and can be undone until then."
        )
    return redirect("release_detail", pk=pk)


@login_required
@require_POST
@shows_refusals("release_detail")
def release_undo(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Take a release back before it goes live."""
    user = _staff(request)
    release = _release(request, pk)
    form = ReasonForm(request.POST, auto_id="undo-%s")
    if not form.is_valid():
        return render(request, "fulfillment/releases/detail.html", {**_context(request, release), "undo_form": form})
    release_window.undo_release(release=release, actor=user, reason=form.cleaned_data["reason"], seen=_round(request))
    messages.success(request, "The release is taken back. It is a draft again; nobody outside has known of it.")
    return redirect("release_detail", pk=pk)


@login_required
@require_POST
@shows_refusals("release_detail")
def release_build(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _staff(request)
    releases.build_again(release=_release(request, pk), actor=user)
    messages.success(request, "The package is being built again.")
    return redirect("release_detail", pk=pk)


@login_required
@require_POST
@shows_refusals("release_detail")
def release_discard(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _staff(request)
    releases.discard_release(release=_release(request, pk), actor=user)
    messages.success(request, "The draft is discarded. The accepted images are untouched.")
    return redirect("review_queue")


@login_required
@recently_proven
@require_POST
@shows_refusals("release_detail")
def release_withdraw(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    user = _staff(request)
    release = _release(request, pk)
    form = ReasonForm(request.POST)
    if not form.is_valid():
        context = {**_context(request, release), "form": form}
        return render(request, "fulfillment/releases/detail.html", context)
    releases.withdraw_release(release=release, actor=user, reason=form.cleaned_data["reason"])
    messages.success(request, "The release is withdrawn; nobody can download it any more.")
    return redirect("release_detail", pk=pk)


def _staff(request: HttpRequest) -> User:
    if not isinstance(request.user, User) or not request.user.is_reviewer:
        raise Http404
    return request.user


def _round(request: HttpRequest) -> int | None:
    """The round that the page showed whose button was pressed; None where it says none."""
    said = request.POST.get("round", "")
    return int(said) if said.isdecimal() and len(said) < 6 else None


def _release(request: HttpRequest, pk: UUID) -> Release:
    assert isinstance(request.user, User)
    rows = Release.objects.visible_to(request.user).select_related(
        "request__organization", "prepared_by", "published_by"
    )
    return get_object_or_404(rows, pk=pk)


def _withdrawn(release: Release, user: User) -> QuerySet[Withdrawal]:
    """What was taken back of this release, as far as this person may know, each with how many images it ``held`` here."""
    here = Q(images__image__release_items__release=release)
    rows = Withdrawal.objects.filter(here | Q(release=release), pk__in=Withdrawal.objects.visible_to(user).values("pk"))
    return rows.select_related("patient", "study", "release").annotate(held=Count("images", filter=here, distinct=True))


def _context(request: HttpRequest, release: Release) -> dict[str, object]:
    user = request.user
    assert isinstance(user, User)
    whole = sees_whole_release(release, user)
    draft, published = release.status == ReleaseStatus.DRAFT, release.status == ReleaseStatus.PUBLISHED
    approved = release.status == ReleaseStatus.APPROVED
    grant = releases.live_grant(release=release, user=user)
    held = list(grants.with_people(release.grants.select_related("organization")))
    return {
        "release": release,
        "whole": whole,
        "legal": legal.release_standings(release) if user.is_reviewer else [],
        "us_persons": legal.persons_of_the_us(Image.objects.filter(release_items__release=release))
        if user.is_reviewer
        else 0,
        "bulk_persons": law.regions()["bulk_persons"],
        "withdrawn": _withdrawn(release, user),
        "incomplete": custody.taken_back(release) if grant else 0,
        "next_version": Release.objects.visible_to(user)
        .filter(request=release.request_id, status=ReleaseStatus.PUBLISHED, number__gt=release.number)
        .order_by("number")
        .first(),
        "audit": release.audits.first() if whole else None,
        "breakdown": release_breakdown(release, user),
        # By grant: who asked sees pictures once they may have the release; staff and the hospital see them all along.
        "samples": release_samples(release, user) if grant or user.is_reviewer or not whole else [],
        "batches": release_batches(release) if user.is_reviewer else [],
        "gone": releases.images_gone(release) if draft or approved else 0,
        "undos": release.undos.select_related("by", "approved_by")[:3] if draft else [],
        "undo_form": ReasonForm(auto_id="undo-%s"),
        "undo_minutes": round(release_window.window().total_seconds() / 60),
        "incident": incident_stopping(release=release, user=user),
        "bar": releases.what_bars_releasing(user, release.request) if draft and user.is_reviewer else None,
        "grant": grant,
        "to_attest": attestations.grant_to_attest(release=release, user=user),
        "cause": grants.what_bars(release=release, user=user),
        "grants": held,
        "may_grant": user.is_reviewer and published and not any(item.is_live for item in held),
        "expiry_form": ExpiryForm(),
        "downloads": releases.downloads_for(release=release, user=user)[:5],
        "files": release.files.filter(path__startswith="data/")[:12] if whole and release.is_built else [],
        "file_count": release.files.filter(path__startswith="data/").count() if release.is_built else 0,
        "figures": figures(release, user),
        "loading": loading(release, request.GET.get("load", "")) if whole and release.is_built else None,
        "citing": citing(release) if whole else None,
        "versions": versions(release, user) if whole else [],
        "is_preparer": release.prepared_by_id == user.pk,
        "form": ReasonForm(),
    }
