"""Evidence packs: asked for by a person, built and signed by a worker as of that moment, read as JSON or as a PDF made from it."""

from __future__ import annotations

import hashlib
import json
import logging
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from deid.proof import render
from fulfillment.evidence import PACK, build_document, pack_pdf
from fulfillment.models import NOT_OUT, Batch, EvidencePack, Release
from fulfillment.services.certificates import signing_key
from fulfillment.services.evidence_facts import Scope, instant, rows_of, sections_of
from getdata.accounts.models import Membership, User
from getdata.audit.chain import record
from getdata.common import storage
from getdata.common.problems import CannotDo
from getdata.common.queue import enqueue

logger = logging.getLogger("getdata.evidence")
BUILD_TASK = "fulfillment.build_evidence_task"
ISSUER = "GetDATA portal"
MAX_ATTEMPTS = 3
#: Longer than the task may run: by then its worker is certainly gone.
PATIENCE = timedelta(minutes=35)


def may_have(user: User, *, batch: Batch | None = None, release: Release | None = None) -> bool:
    """Staff; of a batch its hospital's members; of a release the members of the organization that asked."""
    if user.is_reviewer:
        return True
    if batch is not None:
        return Membership.objects.filter(user=user, organization=batch.fulfillment.hospital_id).exists()
    if release is None or release.status in NOT_OUT:
        return False
    return Membership.objects.filter(user=user, organization=release.request.organization_id).exists()


def ask_pack(*, actor: User, batch: Batch | None = None, release: Release | None = None) -> EvidencePack:
    """Have a pack built as of now. One that is being built already is given back. Raises ``CannotDo``."""
    if not may_have(actor, batch=batch, release=release):
        raise CannotDo(
            "This evidence is not yours.",
            remedy="Ask the hospital that sent the batch, or the organization that asked for the release.",
            code="not_yours",
        )
    if batch is not None and batch.sealed_at is None:
        raise CannotDo(
            "The batch was never sealed.", remedy="Seal it first; there is no evidence yet.", code="not_sealed"
        )
    with transaction.atomic():
        waiting = EvidencePack.objects.filter(batch=batch, release=release, stored="", problem="").first()
        if waiting is not None:
            return waiting
        pack = EvidencePack.objects.create(batch=batch, release=release, asked_by=actor, as_of=timezone.now())
        record(verb="evidence.asked", target=pack, actor=actor, organization_id=pack.audit_organization_id)
        enqueue(BUILD_TASK, str(pack.pk))
    return pack


def build_pack(pk: UUID | str) -> None:
    """Build, sign and store. Does nothing where it is built; what breaks three times is said on the page."""
    taken = EvidencePack.objects.filter(pk=pk, stored="", problem="", attempts__lt=MAX_ATTEMPTS)
    if not taken.update(attempts=F("attempts") + 1):
        return
    pack = EvidencePack.objects.select_related("batch__fulfillment__request", "release__request").get(pk=pk)
    try:
        raw = render(document_of(pack))
        key = f"evidence/{pack.pk}.json"
        storage.put(storage.released(), key, raw)
    except Exception:
        # Whatever broke (an outage, a bug), the person who waits must see it.
        logger.exception(
            "evidence.broke", extra={"batch": str(pack.batch_id or ""), "release": str(pack.release_id or "")}
        )
        last = EvidencePack.objects.filter(pk=pk, attempts__gte=MAX_ATTEMPTS)
        last.update(problem="Something on our side went wrong while the pack was built. Ask for a new one.")
        return
    digest = hashlib.sha256(raw).hexdigest()
    with transaction.atomic():
        if EvidencePack.objects.filter(pk=pk, stored="").update(stored=key, sha256=digest, size=len(raw)):
            record(
                verb="evidence.issued",
                target=pack,
                organization_id=pack.audit_organization_id,
                data={"sha256": digest, "bytes": len(raw)},
            )


def document_of(pack: EvidencePack) -> dict[str, Any]:
    """The signed document: the same rows and the same moment give the same bytes."""
    scope = scope_of(pack.batch, pack.release, pack.as_of)
    request = (pack.batch.fulfillment if pack.batch is not None else pack.release).request  # type: ignore[union-attr]
    subject = {"request": request.slug, "pack": str(pack.pk)}
    if pack.batch is not None:
        subject |= {"batch": str(pack.batch.pk), "number": str(pack.batch.number)}
    elif pack.release is not None:
        subject |= {"release": f"{request.slug}-v{pack.release.number}", "archive_sha256": pack.release.archive_sha256}
    issue = {"issued_at": instant(pack.as_of), "issuer": ISSUER, "subject": dict(sorted(subject.items()))}
    return build_document(PACK, {"issue": issue, **sections_of(scope)}, rows_of(scope), signing_key())


def scope_of(batch: Batch | None, release: Release | None, as_of: datetime) -> Scope:
    """What the pack of one batch or one release is about."""
    rows = Batch.objects.select_related("fulfillment__hospital", "fulfillment__request", "created_by", "sealed_by")
    if batch is not None:
        return Scope(as_of, (rows.get(pk=batch.pk),))
    assert release is not None
    inside = rows.filter(files__image__release_items__release=release).distinct()
    return Scope(as_of, tuple(inside.order_by("fulfillment__created_at", "number", "pk")), release)


def pack_bytes(pack: EvidencePack) -> bytes:
    """The JSON file, byte for byte as it was signed. Raises ``CannotDo`` where the storage has something else."""
    raw = storage.get(storage.released(), pack.stored)
    if hashlib.sha256(raw).hexdigest() != pack.sha256:
        raise CannotDo(
            "The stored pack is not the one that was issued.",
            remedy="Treat it as an incident, and ask for a new one.",
            code="pack_damaged",
        )
    return raw


def pack_as_pdf(pack: EvidencePack) -> bytes:
    """The reading copy; the same pack gives the same bytes."""
    return pack_pdf(json.loads(pack_bytes(pack)))


def ring_for_unbuilt_packs() -> int:
    """Ring again for packs whose bell was lost or whose worker died. Returns how many were rung for."""
    waiting = EvidencePack.objects.filter(stored="", problem="", as_of__lt=timezone.now() - PATIENCE)
    waiting.filter(attempts__gte=MAX_ATTEMPTS).update(problem="The worker that builds this pack was stopped. Ask anew.")
    keys = list(waiting.values_list("pk", flat=True))
    with transaction.atomic():
        for pk in keys:
            enqueue(BUILD_TASK, str(pk))
    return len(keys)
