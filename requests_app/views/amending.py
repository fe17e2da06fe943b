"""The buttons of an amendment, and of the people who write along."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from getdata.common.refusals import shows_refusals
from requests_app.models import LIVE_AMENDMENT, Amendment, AmendmentStatus
from requests_app.services import amendments, coauthors
from requests_app.views.wizard import own, person


def _live(request: HttpRequest, slug: str) -> Amendment:
    """The amendment of this request that is written or checked, for those who may see it."""
    item = own(request, slug)
    visible = Amendment.objects.visible_to(request.user).select_related("request__organization")
    return get_object_or_404(visible, request=item, status__in=LIVE_AMENDMENT)


@login_required
@require_POST
@shows_refusals("request_detail")
def amendment_start(request: HttpRequest, slug: str) -> HttpResponseBase:
    amendments.start_amendment(request=own(request, slug), actor=person(request))
    messages.success(request, "The amendment is begun. Nobody else sees it until you post it.")
    return redirect("request_edit", slug=slug)


@login_required
@require_POST
@shows_refusals("request_edit")
def amendment_post(request: HttpRequest, slug: str) -> HttpResponseBase:
    posted = amendments.post_amendment(amendment=_live(request, slug), actor=person(request))
    if posted.status == AmendmentStatus.SUBMITTED:
        messages.success(request, "Submitted. GetDATA staff check it; you will be told.")
        return redirect("request_edit", slug=slug)
    messages.success(request, f"Version {posted.base_number + 1} is open. Hospitals that offered are told.")
    return redirect(
        f"{posted.request.get_absolute_url()}versions/?from={posted.base_number}&to={posted.base_number + 1}"
    )


@login_required
@require_POST
@shows_refusals("request_detail")
def amendment_open(request: HttpRequest, slug: str) -> HttpResponseBase:
    opened = amendments.open_amendment(amendment=_live(request, slug), actor=person(request))
    messages.success(request, f"Version {opened.base_number + 1} is open.")
    return redirect("request_detail", slug=slug)


@login_required
@require_POST
@shows_refusals("request_detail")
def amendment_return(request: HttpRequest, slug: str) -> HttpResponseBase:
    note = request.POST.get("note", "")
    amendments.return_amendment(amendment=_live(request, slug), note=note, actor=person(request))
    messages.success(request, "Returned with your note.")
    return redirect("my_requests")


@login_required
@require_POST
@shows_refusals("request_edit")
def amendment_discard(request: HttpRequest, slug: str) -> HttpResponseBase:
    amendments.discard_amendment(amendment=_live(request, slug), actor=person(request))
    messages.success(request, "Discarded. The request stays as it was.")
    return redirect("request_detail", slug=slug)


@login_required
@require_POST
@shows_refusals("request_edit")
def coauthor_add(request: HttpRequest, slug: str) -> HttpResponseBase:
    added = coauthors.add_coauthor(
        request=own(request, slug),
        email=request.POST.get("email", ""),
        part=request.POST.get("part", ""),
        actor=person(request),
    )
    words = "may edit" if added.part == "editor" else "may follow"
    messages.success(request, f"{added.user.name} {words} this request and is told.")
    return redirect("request_edit", slug=slug)


@login_required
@require_POST
@shows_refusals("request_edit")
def coauthor_remove(request: HttpRequest, slug: str, pk: str) -> HttpResponseBase:
    item = own(request, slug)
    coauthor = get_object_or_404(item.coauthors.select_related("user", "request__organization"), pk=pk)
    coauthors.remove_coauthor(coauthor=coauthor, actor=person(request))
    messages.success(request, f"{coauthor.user.name} is no longer a co-author.")
    return redirect("request_edit", slug=slug)
