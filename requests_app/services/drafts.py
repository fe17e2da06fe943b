"""Saving what is being written: the draft of a request, or of an amendment. Nobody's save is silently overwritten."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from getdata.accounts.models import User
from getdata.accounts.permissions import can, role_in
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from requests_app.models import (
    LIVE_AMENDMENT,
    Amendment,
    AmendmentStatus,
    Coauthor,
    DatasetRequest,
    RequestStatus,
    SpecVersion,
)
from requests_app.services.frozen import listed_columns
from requests_app.services.reading import readable

#: A person's saves within this time are one entry of the audit log: the wizard saves while one types.
_ONE_SITTING = timedelta(minutes=10)


def fingerprint(part: object) -> str:
    """Short hash of a part of a document, to notice that somebody else changed it."""
    return hashlib.sha256(json.dumps(part, sort_keys=True).encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Draft:
    """What is being written of a request: its first specification, or the next version of an open one."""

    request: DatasetRequest
    amendment: Amendment | None = None

    @property
    def document(self) -> dict[str, Any]:
        found: dict[str, Any] = self.amendment.document if self.amendment else self.request.draft
        return found

    @property
    def revision(self) -> int:
        return (self.amendment or self.request).revision

    @property
    def created_at(self) -> datetime:
        return (self.amendment or self.request).created_at

    @property
    def edited_at(self) -> datetime | None:
        return (self.amendment or self.request).edited_at

    @property
    def edited_by(self) -> User | None:
        return (self.amendment or self.request).edited_by

    @property
    def note(self) -> str:
        """What staff said when they gave it back."""
        return (self.amendment or self.request).status_note

    @property
    def editable(self) -> bool:
        """False while staff check it."""
        if self.amendment:
            return self.amendment.status == AmendmentStatus.DRAFT
        return self.request.status == RequestStatus.DRAFT

    @property
    def base(self) -> SpecVersion | None:
        """The open version that an amendment changes."""
        if self.amendment is None:
            return None
        return self.request.versions.filter(number=self.amendment.base_number).first()

    @property
    def number(self) -> int:
        """Which version it becomes."""
        return self.amendment.base_number + 1 if self.amendment else 1


def live_amendment(request: DatasetRequest) -> Amendment | None:
    """The amendment being written or checked, if there is one."""
    return request.amendments.filter(status__in=LIVE_AMENDMENT).select_related("edited_by", "created_by").first()


def current_draft(request: DatasetRequest) -> Draft | None:
    """What can be written on now; None when nothing is (no amendment is begun, or the request has ended)."""
    if request.status in (RequestStatus.DRAFT, RequestStatus.SUBMITTED):
        return Draft(request)
    amendment = live_amendment(request) if request.status == RequestStatus.OPEN else None
    return Draft(request, amendment) if amendment else None


def may_write(user: User, request: DatasetRequest) -> bool:
    """By one's role in the organization, or as a co-author with the part of an editor who still belongs to it."""
    if can(user, "write", request.organization):
        return True
    is_editor = Coauthor.objects.filter(request=request, user=user, part=Coauthor.Part.EDITOR).exists()
    return is_editor and bool(role_in(user, request.organization))


def require_writer(user: User, request: DatasetRequest) -> None:
    """Raise ``CannotDo`` unless :func:`may_write`."""
    if not may_write(user, request):
        raise CannotDo(
            f"Your role in {request.organization.name} does not allow this.",
            remedy="Ask whoever writes this request to make you a co-author, or an owner to change your role.",
            code="role_lacks_capability",
        )


def save_draft(
    *, request: DatasetRequest, document: dict[str, Any], actor: User, revision: int | None = None
) -> DatasetRequest:
    """Replace the draft of a request. ``revision`` is the one that was edited; a newer one is not overwritten."""
    require_writer(actor, request)
    checked = readable(document)
    assert checked.spec is not None
    with transaction.atomic():
        current = DatasetRequest.objects.select_for_update().get(pk=request.pk)
        if current.status != RequestStatus.DRAFT:
            raise CannotDo(
                f"This request is {current.get_status_display().lower()}; only a draft is edited freely.",
                remedy="Amend an open request, or ask staff to return a submitted one.",
                code="not_a_draft",
            )
        _refuse_stale(current.revision, revision)
        if checked.document == current.draft:
            return current
        saved = DatasetRequest.objects.filter(
            pk=request.pk, revision=current.revision, status=RequestStatus.DRAFT
        ).update(
            draft=checked.document,
            revision=current.revision + 1,
            edited_at=timezone.now(),
            edited_by=actor,
            **listed_columns(checked.spec),
        )
        _refuse_stale(saved, 1)
        _record(current, "datasetrequest.edited", request.organization_id, actor)
    return DatasetRequest.objects.get(pk=request.pk)


def save_amendment(
    *, amendment: Amendment, document: dict[str, Any], actor: User, revision: int | None = None
) -> Amendment:
    """Replace the document of an amendment that is being written. ``revision`` as for :func:`save_draft`."""
    require_writer(actor, amendment.request)
    checked = readable(document)
    with transaction.atomic():
        current = Amendment.objects.select_for_update().get(pk=amendment.pk)
        if current.status != AmendmentStatus.DRAFT:
            raise CannotDo(
                f"This amendment is {current.get_status_display().lower()}.",
                remedy="Reload the page to see where it stands.",
                code="not_a_draft",
            )
        _refuse_stale(current.revision, revision)
        if checked.document == current.document:
            return current
        saved = Amendment.objects.filter(
            pk=amendment.pk, revision=current.revision, status=AmendmentStatus.DRAFT
        ).update(document=checked.document, revision=current.revision + 1, edited_at=timezone.now(), edited_by=actor)
        _refuse_stale(saved, 1)
        _record(current, "amendment.edited", amendment.request.organization_id, actor)
    return Amendment.objects.get(pk=amendment.pk)


def save(*, draft: Draft, document: dict[str, Any], actor: User, revision: int | None = None) -> Draft:
    """Save whichever it is; returns it as it is now."""
    if draft.amendment is not None:
        saved = save_amendment(amendment=draft.amendment, document=document, actor=actor, revision=revision)
        return Draft(draft.request, saved)
    return Draft(save_draft(request=draft.request, document=document, actor=actor, revision=revision))


def _record(before: DatasetRequest | Amendment, verb: str, organization_id: object, actor: User) -> None:
    """Put a save on the record, unless the same person's last save was part of the same sitting."""
    recent = before.edited_at is not None and timezone.now() - before.edited_at < _ONE_SITTING
    if before.edited_by_id != actor.pk or not recent:
        record(
            verb=verb,
            target=before,
            actor=actor,
            organization_id=organization_id,
            data={"revision": before.revision + 1},
        )


def _refuse_stale(current: int, edited: int | None) -> None:
    if edited is not None and edited != current:
        raise CannotDo(
            "Somebody else saved this draft while you were editing it.",
            remedy="Open the draft in another tab, compare, and save your changes again.",
            code="draft_changed",
        )
