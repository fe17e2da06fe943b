"""The bytes of a release: its archive or one file of it, whole or by Range, noted in the custody ledger before one leaves."""

from __future__ import annotations

import re
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_safe

from fulfillment.models import AccessGrant, Release, ReleaseFile
from fulfillment.services import attestations, custody, grants, releases
from getdata.accounts.models import User
from getdata.accounts.second_factor import second_factor_required
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.refusals import refusal_text

#: What one run of a program calls itself, so that its files are one line of the ledger.
SESSION_HEADER = "GetDATA-Session"
_SESSION = re.compile(r"[A-Za-z0-9-]{8,36}")


@login_required
@second_factor_required("download")
@require_safe
def release_download(request: HttpRequest, pk: UUID) -> HttpResponseBase:
    """The package, whole or by Range. Who only has to attest is led there; for others without access it does not exist."""
    assert isinstance(request.user, User)
    release = get_object_or_404(Release.objects.visible_to(request.user), pk=pk)
    grant = releases.live_grant(release=release, user=request.user)
    if grant is not None:
        try:
            custody.require_given_out(release)
        except CannotDo as refusal:
            messages.error(request, refusal_text(refusal))
            return redirect("release_detail", pk=pk)
        return deliver(request, request.user, release, grant)
    if attestations.grant_to_attest(release=release, user=request.user) is None:
        raise Http404
    messages.info(request, "Attest purpose, country and duties first.")
    return redirect("release_attest", pk=pk)


def require_grant(release: Release, user: User) -> AccessGrant:
    """The live grant of this person. Raises ``CannotDo`` with cause and cure for members of an organization that has or had
    one, and ``Http404`` for all others: what one may not have does not exist."""
    grant = releases.live_grant(release=release, user=user)
    if grant is None:
        raise grants.what_bars(release=release, user=user) or Http404
    return grant


def deliver(request: HttpRequest, user: User, release: Release, grant: AccessGrant) -> HttpResponseBase:
    """Send the release's package under a live grant."""
    response = storage.send_file(
        request,
        storage.released(),
        release.archive,
        filename=release.archive.rsplit("/", 1)[-1],
        size=release.archive_size,
        etag=release.archive_sha256,
        may_go_on=grants.still_live(grant, user),
    )
    if request.method == "GET" and response.status_code < 400:
        # The response is read only after this view returns: nothing has left yet.
        first = _first_byte(request, response, release.archive_size)
        releases.note_download(grant=grant, user=user, path=release.archive, first_byte=first)
    return response


def deliver_file(
    request: HttpRequest, user: User, release: Release, grant: AccessGrant, file: ReleaseFile
) -> HttpResponseBase:
    """Send one file of the package under a live grant: a range of the archive, streamed by us alone. Raises ``CannotDo`` for one
    that holds anything of what was withdrawn."""
    custody.require_given_out(release, file)
    response = storage.send_inside(
        request,
        storage.released(),
        release.archive,
        offset=file.offset,
        size=file.size,
        filename=file.path.rsplit("/", 1)[-1],
        etag=file.sha256,
        may_go_on=grants.still_live(grant, user),
    )
    if request.method == "GET" and response.status_code < 400:
        session = request.headers.get(SESSION_HEADER, "")
        custody.note_file(
            grant=grant,
            user=user,
            file=file,
            first_byte=_first_byte(request, response, file.size),
            size=int(response.headers["Content-Length"]),
            session=session if _SESSION.fullmatch(session) else "",
        )
    return response


def _first_byte(request: HttpRequest, response: HttpResponseBase, size: int) -> int:
    """Where the sent part begins. When a proxy serves the range, what was asked for stands in."""
    sent = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    if sent:
        return int(sent[1])
    if "X-Accel-Redirect" not in response.headers:
        return 0
    asked = re.match(r"bytes=(\d{1,18})-", request.headers.get("Range", ""))
    return min(int(asked[1]), size) if asked else 0
