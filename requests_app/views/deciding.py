"""The buttons of a request's page: submit, open, return, close, cancel."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from getdata.accounts.models import User
from getdata.common.refusals import shows_refusals
from requests_app.models import DatasetRequest
from requests_app.services import requests as services


def _item(request: HttpRequest, slug: str) -> DatasetRequest:
    return get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)


def _user(request: HttpRequest) -> User:
    assert isinstance(request.user, User)
    return request.user


@login_required
@require_POST
@shows_refusals("request_edit")
def request_submit(request: HttpRequest, slug: str) -> HttpResponseBase:
    item = _item(request, slug)
    services.submit_request(request=item, actor=_user(request))
    messages.success(request, "Submitted. GetDATA staff check it; you will be told.")
    return redirect(item)


@login_required
@require_POST
@shows_refusals("request_detail")
def request_open(request: HttpRequest, slug: str) -> HttpResponseBase:
    item = _item(request, slug)
    services.open_request(request=item, actor=_user(request))
    messages.success(request, "Open. Its specification is frozen as version 1.")
    return redirect(item)


@login_required
@require_POST
@shows_refusals("request_detail")
def request_return(request: HttpRequest, slug: str) -> HttpResponseBase:
    item = _item(request, slug)
    services.return_request(request=item, note=request.POST.get("note", ""), actor=_user(request))
    messages.success(request, "Returned with your note.")
    return redirect("my_requests")


@login_required
@require_POST
@shows_refusals("request_detail")
def request_close(request: HttpRequest, slug: str) -> HttpResponseBase:
    item = _item(request, slug)
    services.close_request(request=item, actor=_user(request))
    messages.success(request, "Closed. It takes no more offers.")
    return redirect(item)


@login_required
@require_POST
@shows_refusals("request_detail")
def request_cancel(request: HttpRequest, slug: str) -> HttpResponseBase:
    item = _item(request, slug)
    services.cancel_request(request=item, note=request.POST.get("note", ""), actor=_user(request))
    messages.success(request, "Cancelled.")
    return redirect("my_requests")
