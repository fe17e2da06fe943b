"""The moment a staged file becomes work: one row in the ledger of source files, once, and a ring of the doorbell."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from fulfillment.models import Batch, SourceFile, SourceFileStatus, SourceKind
from fulfillment.services.settling import begin_again
from fulfillment.uploads import names, staging
from fulfillment.uploads.handover import hand_over, take_back
from fulfillment.uploads.rights import require_kind_length, require_writable
from fulfillment.uploads.sniff import sniff_kind
from getdata.accounts.models import User
from getdata.audit.chain import record
from getdata.common.problems import CannotDo
from getdata.common.queue import after_commit, enqueue
from getdata.common.states import StaleState, transition

RING = "fulfillment.process_task"

#: A file of the same name replaces one that ended like this: it never became an image.
REPLACEABLE = (SourceFileStatus.REJECTED, SourceFileStatus.QUARANTINED, SourceFileStatus.FAILED)


def take_in(
    *,
    batch: Batch,
    name: str,
    staged: str,
    size: int,
    sha256: str,
    archive: SourceFile | None = None,
    actor: User | None = None,
    stored: str | None = None,
) -> tuple[SourceFile, bool]:
    """Enter a staged file into the ledger and ring for a worker. Returns the row and whether it is new.

    The same path with the same content is taken in once: then the row that is there comes back with False, and the
    staged copy is removed. A new content under the name of a file that did not pass takes its place. ``name`` is a
    cleaned relative path, ``sha256`` the content's SHA-256 (hex), ``archive`` the archive the file was in, ``stored`` what
    :func:`prepare` returned: a caller that has a transaction open calls it before.
    Raises ``CannotDo`` when the batch takes no more files or the file is larger than its kind may be; the staged copy
    is removed then too.
    """
    kind = sniff_kind(staging.head(staged), name, pictures=batch.takes_pictures)
    try:
        require_kind_length(size, kind)
        stored = prepare(batch=batch, name=name, staged=staged, sha256=sha256) if stored is None else stored
        with transaction.atomic():
            # One entry at a time in a batch: numbers stay without gaps and sealing cannot slip in between.
            batch = Batch.objects.select_for_update(of=("self",)).select_related("fulfillment").get(pk=batch.pk)
            require_writable(batch)
            where: dict[str, Any] = {"stored": stored} if stored else {"staged": staged}
            file, fresh = _enter(batch, kind, name, size, sha256, actor, archive=archive, **where)
            if stored:
                after_commit(partial(staging.discard, staged))
    except CannotDo:
        staging.discard(staged)
        take_back(stored or "")
        raise
    if not fresh:
        staging.discard(staged)
        take_back(stored)
    return file, fresh


def prepare(*, batch: Batch, name: str, staged: str, sha256: str) -> str:
    """Hand the bytes over to the quarantine storage where the portal does so, unless the batch holds the file already."""
    known = find_taken(batch, name, sha256)
    return hand_over(batch, staged) if known is None or _needs_bytes(known) else ""


def _needs_bytes(known: SourceFile) -> bool:
    """Whether the work on a file broke and its original was never sealed: it is worked on again from what comes now."""
    return known.status == SourceFileStatus.FAILED and not known.stored


def take_in_sealed(
    *, batch: Batch, name: str, stored: str, size: int, content_digest: str, kind: SourceKind, actor: User
) -> SourceFile:
    """Enter a file that already lies sealed in the quarantine storage under ``stored``, and ring for a worker.

    Its kind is known: it came by a screen of its own. Raises ``CannotDo`` when the batch takes no more files or holds this very file.
    """
    with transaction.atomic():
        batch = Batch.objects.select_for_update(of=("self",)).select_related("fulfillment").get(pk=batch.pk)
        require_writable(batch)
        number = (batch.files.aggregate(highest=Max("number"))["highest"] or 0) + 1
        replaced = []
        same = batch.files.filter(name_digest=names.name_digest(batch, name), content_digest=content_digest)
        for known in same.exclude(status=SourceFileStatus.WITHDRAWN):
            if known.status not in REPLACEABLE:
                raise CannotDo(
                    f"This very file is already here, as file {known.number} of the batch.",
                    remedy="Withdraw that one first if its labels are to be taken in another way.",
                    code="already_here",
                )
            _replace(known, number, actor)
            replaced.append(known.pk)
        file = _create(batch, kind, number, name, size, content_digest, stored=stored)
        SourceFile.objects.filter(pk__in=replaced).update(replaced_by=file)
        _announce(file, actor)
    return file


def find_taken(batch: Batch, name: str, sha256: str) -> SourceFile | None:
    """The file of this path and content that the batch already holds, or None."""
    return (
        SourceFile.objects.filter(
            batch=batch,
            name_digest=names.name_digest(batch, name),
            content_digest=names.content_digest(batch, sha256),
        )
        .exclude(status=SourceFileStatus.WITHDRAWN)
        .first()
    )


def _enter(
    batch: Batch,
    kind: SourceKind,
    name: str,
    size: int,
    sha256: str,
    actor: User | None,
    **where: Any,
) -> tuple[SourceFile, bool]:
    known = find_taken(batch, name, sha256)
    if known is not None:
        return _begin_anew(known, actor, **where) if known.status == SourceFileStatus.FAILED else (known, False)
    highest = batch.files.aggregate(highest=Max("number"))["highest"] or 0
    digest = names.content_digest(batch, sha256)
    file = _create(batch, kind, highest + 1, name, size, digest, **where)
    _announce(file, actor)
    return file, True


def _begin_anew(file: SourceFile, actor: User | None, **where: Any) -> tuple[SourceFile, bool]:
    """A file whose work broke came once more: it is worked on again, from its original or else from the bytes that are here now."""
    broken = {"attempts": 0, "outages": 0, "reason": "", "findings": [], "settled_at": None}
    fresh = _needs_bytes(file)
    place = {"staged": where.get("staged", ""), "stored": where.get("stored", "")} if fresh else {}
    try:
        moved = transition(
            SourceFile,
            file.pk,
            SourceFileStatus.FAILED,
            SourceFileStatus.RECEIVED,
            actor=actor,
            changes={**broken, "lease_until": None, "lease_token": None, **place},
            data={"number": file.number, "reason": file.reason, "sent": "again"},
        )
    except StaleState:
        return file, False  # somebody retries it just now
    if fresh:
        after_commit(partial(staging.discard, file.staged))
    begin_again(file.batch)
    enqueue(RING)
    return moved, fresh


def _create(
    batch: Batch, kind: SourceKind, number: int, name: str, size: int, content_digest: str, **where: Any
) -> SourceFile:
    return SourceFile.objects.create(
        batch=batch,
        kind=kind,
        number=number,
        sealed_name=names.seal_name(batch, name),
        name_digest=names.name_digest(batch, name),
        stem_digest=names.stem_digest(batch, name),
        content_digest=content_digest,
        size=size,
        **where,
    )


def _announce(file: SourceFile, actor: User | None) -> None:
    """Record the file, let it take the place of an earlier one of its name, and ring."""
    batch = file.batch
    record(
        verb="sourcefile.received",
        target=file,
        actor=actor,
        organization_id=batch.fulfillment.hospital_id,
        data={"batch": str(batch.pk), "number": file.number, "kind": str(file.kind), "size": file.size},
    )
    _replace_earlier(file, actor)
    begin_again(batch)
    enqueue(RING)


def _replace_earlier(file: SourceFile, actor: User | None) -> None:
    earlier = SourceFile.objects.filter(
        batch=file.batch, name_digest=file.name_digest, status__in=REPLACEABLE, kind=file.kind
    ).exclude(pk=file.pk)
    for old in earlier:
        try:
            _replace(old, file.number, actor)
        except StaleState:
            continue  # somebody retries it just now: then both go their way
        SourceFile.objects.filter(pk=old.pk).update(replaced_by=file)


def _replace(old: SourceFile, number: int, actor: User | None) -> None:
    """Give the old one's place to file ``number``; it keeps what was said of it. The caller sets ``replaced_by``."""
    transition(
        SourceFile,
        old.pk,
        old.status,
        SourceFileStatus.WITHDRAWN,
        actor=actor,
        changes={
            "reason": "REPLACED",
            "findings": [replaced_finding(number), *old.findings],
            "settled_at": timezone.now(),
            "staged": "",
        },
        data={"replaced_by": number, "reason": old.reason},
    )
    # A file that failed may still lie in the clear; nobody can retry it any more.
    after_commit(partial(staging.discard, old.staged))


def replaced_finding(number: int) -> dict[str, Any]:
    """What the hospital reads beside a file whose place another took."""
    return {
        "code": "REPLACED",
        "severity": "info",
        "check_id": "",
        "tag": "",
        "message": f"File {number}, sent later under the same name, took its place.",
        "remedy": "",
    }
