"""Files by a plain form: what the upload area does when there is no JavaScript."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils.datastructures import MultiValueDict
from django.views.decorators.csrf import csrf_exempt, csrf_protect
from django.views.decorators.http import require_POST

from fulfillment.uploads import one_shot, rights
from fulfillment.uploads.body import body_of
from fulfillment.views.deliveries import get_batch
from getdata.accounts.models import User
from getdata.common.problems import CannotDo
from getdata.common.refusals import shows_refusals

_SHOWN = 5


@csrf_exempt  # the token is in the form: it is checked below, once the person is known and the form is read to staging
@login_required
@require_POST
@shows_refusals("batch_detail")
def batch_upload(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """Take in the files of a form, each written to staging while it arrives."""
    batch = get_batch(request, pk)
    assert isinstance(request.user, User)
    rights.require_may_add_files(request.user, batch)
    if request.content_type != "multipart/form-data":
        raise CannotDo("The form holds no file.", remedy="Choose one or more files and send again.", code="bad_form")
    fields, files = one_shot.parse_form(request, body_of(request))
    request._post, request._files = fields, MultiValueDict()  # type: ignore[attr-defined]  # what csrf_protect looks at
    response: HttpResponseBase = csrf_protect(_take_in)(request, batch=batch, files=files)
    if response.status_code == 403:
        one_shot.discard_form(files)
    return response


def _take_in(request: HttpRequest, *, batch: object, files: MultiValueDict) -> HttpResponseBase:  # type: ignore[type-arg]
    from fulfillment.models import Batch

    assert isinstance(batch, Batch) and isinstance(request.user, User)
    taken = one_shot.receive_form(batch=batch, actor=request.user, files=files)
    _tell(request, taken)
    return redirect("batch_detail", pk=batch.pk)


def _tell(request: HttpRequest, taken: list[one_shot.Taken]) -> None:
    new = sum(one.new for one in taken)
    known = sum(one.file is not None and not one.new for one in taken)
    # By its place in the form: a message waits in a cookie or in the session's row, and a file's name is identity.
    refused = [(place, one.refusal) for place, one in enumerate(taken, start=1) if one.refusal is not None]
    if not taken:
        messages.error(request, "No file was sent. Choose one or more files and send again.")
    if new:
        messages.success(request, f"{new:,} file{' was' if new == 1 else 's were'} taken in and will be processed.")
    if known:
        messages.info(request, f"{known:,} file{' was' if known == 1 else 's were'} already here: nothing was added.")
    for place, refusal in refused[:_SHOWN]:
        messages.error(request, f"File {place} of the form: {refusal.message} {refusal.remedy}".strip())
    if len(refused) > _SHOWN:
        messages.error(request, f"{len(refused) - _SHOWN:,} more files were refused for similar causes.")
