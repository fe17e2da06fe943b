"""What an evidence pack tells, section by section, as of a moment, from the database. No header value, no text of a report."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import Avg, Count, QuerySet

from fulfillment.models import (
    AccessGrant,
    Attestation,
    Batch,
    DestructionAttestation,
    DownloadEvent,
    Image,
    OriginalsDestruction,
    QualityScore,
    Release,
    Review,
    Withdrawal,
)
from fulfillment.services.legal import Standing, standings
from getdata.accounts.checklist import checks_for
from getdata.accounts.models import Organization
from getdata.audit.models import AuditEvent
from requests_app.models import Agreement
from requests_app.spec import DatasetSpec, canonical_json

Row = dict[str, Any]


@dataclass(frozen=True)
class Scope:
    """What a pack is about: a batch or a release, its batches and its images, at a moment."""

    as_of: datetime
    batches: tuple[Batch, ...]
    release: Release | None = None

    @property
    def images(self) -> QuerySet[Image]:
        if self.release is not None:
            return Image.objects.filter(release_items__release=self.release)
        return Image.objects.live().filter(source__batch__in=self.batches)

    @property
    def releases(self) -> QuerySet[Release]:
        """The releases that images of the scope went into."""
        if self.release is not None:
            return Release.objects.filter(pk=self.release.pk)
        inside = Image.objects.filter(source__batch__in=self.batches)
        return Release.objects.filter(items__image__in=inside, published_at__lte=self.as_of).distinct()


def instant(moment: datetime | None) -> str:
    """UTC, to the second; empty for none."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def sections_of(scope: Scope) -> dict[str, Any]:
    """Every section but issue, in no order: the document sorts them."""
    agreements = _agreements(scope)
    found = standings(scope.images)
    return {
        "summary": _summary(scope, agreements),
        "parties": [_party(one) for one in _organizations(agreements)],
        "specifications": _specifications(agreements),
        "agreements": [_agreement(one) for one in agreements],
        "legal_class": [_standing(one) for one in found],
        "certificates": list(_certificates(scope)),
        "quality": _quality(scope),
        "chain_of_custody": list(_custody(scope)),
        "recipients": list(_recipients(scope)),
        "destruction": {"originals": list(_destroyed(scope)), "holders": list(_attested(scope))},
        "withdrawals": list(_withdrawals(scope)),
        "incidents": list(_incidents(scope)),
        "audit": [_event(one) for one in _events(scope)],
        "not_claimed": [
            "That what people wrote (purpose, ethics approval, attestations) is true: it is their word, by name.",
            "That the audit log outside this pack is whole: it is verified on the portal, and by its anchors.",
            "Legal advice.",
        ],
    }


def rows_of(scope: Scope) -> Iterator[tuple[str, str, str]]:
    """The manifest: path in a release, SHA-256 of the file, SHA-256 of its stored pixel values."""
    images = scope.images.select_related("series__study__patient").order_by("pk")
    for image in images.iterator(chunk_size=1000):
        yield image.path_in_release, image.output_sha256, image.pixel_sha256


def _agreements(scope: Scope) -> list[Agreement]:
    deliveries = scope.images.order_by().values("source__batch__fulfillment").distinct()
    own = [batch.fulfillment_id for batch in scope.batches]
    rows = Agreement.objects.filter(offer__fulfillment__in=deliveries) | Agreement.objects.filter(
        offer__fulfillment__in=own
    )
    return list(
        rows.select_related("offer__request__organization", "offer__hospital", "offer__spec_version")
        .prefetch_related("signatures__organization")
        .distinct()
        .order_by("created_at", "pk")
    )


def _organizations(agreements: Iterable[Agreement]) -> list[Organization]:
    found = {party.pk: party for agreement in agreements for party in agreement.parties}
    return sorted(found.values(), key=lambda one: (one.name, str(one.pk)))


def _summary(scope: Scope, agreements: list[Agreement]) -> Row:
    images = scope.images
    first = agreements[0] if agreements else None
    return {
        "what": f"Release {scope.release.number}" if scope.release else str(scope.batches[0]),
        "request": first.offer.request.title if first else "",
        "recipient": first.offer.request.organization.name if first else "",
        "hospitals": ", ".join(sorted({one.offer.hospital.name for one in agreements})),
        "images": images.count(),
        "patients": images.order_by().values("series__study__patient").distinct().count(),
        "as_of": instant(scope.as_of),
    }


def _party(organization: Organization) -> Row:
    """The verification of one party: each line of the checklist, and who decided it when."""
    titles = {check.key: check.title for check in checks_for(organization.kind)}
    items = organization.verification_items.select_related("decided_by").order_by("key")
    return {
        "name": organization.name,
        "kind": organization.get_kind_display(),
        "country": organization.country,
        "status": organization.get_status_display(),
        "verification": [
            {
                "check": titles.get(item.key, item.key),
                "state": item.get_state_display(),
                "decided_at": instant(item.decided_at),
                "decided_by": item.decided_by.name if item.decided_by else "",
                "evidence_sha256": hashlib.sha256(item.evidence.encode()).hexdigest() if item.evidence else "",
            }
            for item in items
        ],
    }


def _specifications(agreements: Iterable[Agreement]) -> list[Row]:
    versions = {agreement.offer.spec_version_id: agreement.offer.spec_version for agreement in agreements}
    rows = []
    for version in sorted(versions.values(), key=lambda one: (one.number, str(one.pk))):
        spec = DatasetSpec.model_validate(version.document)
        use = spec.purpose.intended_use
        rows.append(
            {
                "version": version.number,
                "sha256": version.sha256,
                "document": canonical_json(spec),
                "intended_use": use.plain if use else "",
                "purpose": spec.purpose.description,
                "ethics": spec.terms.ethics_approval or "none was named",
                "policy": spec.deidentification.policy.value,
            }
        )
    return rows


def _agreement(agreement: Agreement) -> Row:
    return {
        "id": str(agreement.pk),
        "form": agreement.form,
        "legal_basis": agreement.basis or agreement.legal_class,
        "gdpr_role": agreement.gdpr_role,
        "between": [party.name for party in agreement.parties],
        "text": agreement.text,
        "text_sha256": agreement.text_sha256,
        "text_is_unchanged": hashlib.sha256(agreement.text.encode()).hexdigest() == agreement.text_sha256,
        "signatures": [
            {
                "organization": one.organization.name,
                "printed_name": one.printed_name,
                "meaning": one.meaning,
                "at": instant(one.created_at),
                "identity_proved_by": one.method,
                "text_sha256": one.text_sha256,
            }
            for one in sorted(agreement.signatures.all(), key=lambda one: (one.created_at, str(one.pk)))
        ],
    }


def _standing(standing: Standing) -> Row:
    return {
        "hospital": standing.fulfillment.hospital.name,
        "agreed": standing.agreed_words,
        "allowed_by_what_is_kept": standing.computed,
        "kept": {str(note): files for note, files in sorted(standing.kept.items())},
        "files_not_read": standing.unread,
        "against": [barrier.message for barrier in standing.barriers],
    }


def _certificates(scope: Scope) -> Iterator[Row]:
    for batch in scope.batches:
        issued = batch.certificates.filter(created_at__lte=scope.as_of)
        one = issued.filter(sealed_at=batch.sealed_at).first() if batch.sealed_at else None
        yield {
            "batch": str(batch),
            "text": one.text if one else "",
            "sha256": hashlib.sha256(one.text.encode()).hexdigest() if one else "",
            "planted": one.planted if one else 0,
            "survived": one.missed if one else 0,
            "note": (one.note if one.measured is False else "") if one else "no certificate was issued yet",
        }


def _quality(scope: Scope) -> Row:
    """The score's mean in tenths of a point, by version, with what was said of images; no floats in a signed file."""
    scores = QualityScore.objects.filter(image__in=scope.images, created_at__lte=scope.as_of)
    rows = scores.order_by().values("version").annotate(images=Count("image", distinct=True), mean=Avg("total"))
    codes: Counter[str] = Counter()
    for findings in scope.images.order_by().values_list("findings", flat=True).iterator(chunk_size=2000):
        codes.update({str(one.get("code", "")) for one in findings or ()})
    return {
        "scores": [
            {"version": row["version"], "images": row["images"], "mean_tenths": round(10 * float(row["mean"] or 0))}
            for row in sorted(rows, key=lambda row: str(row["version"]))
        ],
        "findings": dict(sorted(codes.items())),
        "batches": [
            {"batch": str(batch), "findings": sorted(str(one.get("code", "")) for one in batch.findings or ())}
            for batch in scope.batches
        ],
    }


def _custody(scope: Scope) -> Iterator[Row]:
    """Who did what, in order."""
    lines: list[tuple[datetime, str, str]] = []
    for batch in scope.batches:
        lines.append((batch.created_at, f"{batch} was begun", _name(batch.created_by)))
        if batch.sealed_at:
            lines.append((batch.sealed_at, f"{batch} was sealed", _name(batch.sealed_by)))
        for review in Review.objects.filter(batch=batch).select_related("reviewer"):
            lines.append((review.created_at, f"{batch}: {review.get_decision_display()}", _name(review.reviewer)))
    for release in scope.releases.select_related("prepared_by", "published_by", "request"):
        lines.append((release.created_at, f"Release {release.number} was prepared", _name(release.prepared_by)))
        if release.published_at:
            lines.append((release.published_at, f"Release {release.number} was published", _name(release.published_by)))
    for line in _downloads(scope):
        what = "the archive" if line.path else "files one by one"
        who = f"{_name(line.user)}, {line.grant.organization.name}"
        lines.append((line.created_at, f"Release {line.grant.release.number}: {what} was taken", who))
    for at, what, who in sorted(lines, key=lambda line: (line[0], line[1], line[2])):
        if at <= scope.as_of:
            yield {"at": instant(at), "what": what, "who": who}


def _name(person: Any) -> str:
    return str(person.name) if person is not None else ""


def _downloads(scope: Scope) -> QuerySet[DownloadEvent]:
    rows = DownloadEvent.objects.filter(grant__release__in=scope.releases, created_at__lte=scope.as_of)
    return rows.select_related("user", "grant__organization", "grant__release")


def _recipients(scope: Scope) -> Iterator[Row]:
    grants = AccessGrant.objects.filter(release__in=scope.releases, created_at__lte=scope.as_of)
    for grant in grants.select_related("organization", "release").order_by("created_at", "pk"):
        attested = Attestation.objects.filter(named__grant=grant, created_at__lte=scope.as_of).order_by(
            "created_at", "pk"
        )
        yield {
            "organization": grant.organization.name,
            "country": grant.organization.country,
            "release": grant.release.number,
            "since": instant(grant.created_at),
            "until": instant(grant.revoked_at or grant.expires_at),
            "revoked": grant.revoked_reason,
            "people": [
                {
                    "printed_name": one.printed_name,
                    "purpose": one.purpose,
                    "country": one.country,
                    "at": instant(one.created_at),
                    "statement_sha256": one.statement_sha256,
                }
                for one in attested
            ],
        }


def _destroyed(scope: Scope) -> Iterator[Row]:
    rows = OriginalsDestruction.objects.filter(batch__in=scope.batches, created_at__lte=scope.as_of)
    for one in rows.order_by("created_at", "pk"):
        yield {
            "batch": str(one.batch),
            "why": one.get_occasion_display(),
            "originals": one.objects_destroyed,
            "at": instant(one.created_at),
            "sha256": hashlib.sha256(one.text.encode()).hexdigest(),
        }


def _withdrawn(scope: Scope) -> QuerySet[Withdrawal]:
    rows = Withdrawal.objects.filter(created_at__lte=scope.as_of)
    if scope.release is not None:
        own = rows.filter(images__image__release_items__release=scope.release) | rows.filter(release=scope.release)
    else:
        own = rows.filter(images__image__source__batch__in=scope.batches)
    return own.distinct().order_by("created_at", "pk")


def _withdrawals(scope: Scope) -> Iterator[Row]:
    for one in _withdrawn(scope):
        yield {
            "what": one.what,
            "why": one.get_reason_display(),
            "at": instant(one.created_at),
            "due_at": instant(one.due_at),
            "state": one.get_status_display(),
        }


def _attested(scope: Scope) -> Iterator[Row]:
    rows = DestructionAttestation.objects.filter(
        duty__withdrawal__in=_withdrawn(scope).values("pk"), created_at__lte=scope.as_of
    )
    for one in rows.select_related("duty__organization", "duty__withdrawal").order_by("created_at", "pk"):
        yield {
            "organization": one.duty.organization.name,
            "printed_name": one.printed_name,
            "what": one.duty.withdrawal.what,
            "at": instant(one.created_at),
            "sha256": hashlib.sha256(one.text.encode()).hexdigest(),
        }


def _events(scope: Scope) -> QuerySet[AuditEvent]:
    """Events whose target is the scope itself: its batches, releases, agreements and grants, in the order of the log."""
    keys = {str(batch.pk) for batch in scope.batches} | {str(batch.fulfillment_id) for batch in scope.batches}
    keys |= {str(pk) for pk in scope.releases.values_list("pk", flat=True)}
    keys |= {str(pk) for pk in AccessGrant.objects.filter(release__in=scope.releases).values_list("pk", flat=True)}
    keys |= {str(pk) for pk in _withdrawn(scope).values_list("pk", flat=True)}
    keys |= {str(one.pk) for one in _agreements(scope)}
    return AuditEvent.objects.filter(target_id__in=keys, at__lte=scope.as_of).order_by("id")


def _event(event: AuditEvent) -> Row:
    return {
        "id": event.pk,
        "at": instant(event.at),
        "verb": event.verb,
        "target": f"{event.target_type}:{event.target_id}",
        "actor": f"{event.actor_kind}:{event.actor_id}",
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _incidents(scope: Scope) -> Iterator[Row]:
    """What the log tells of incidents of the scope."""
    for event in _events(scope).filter(verb__startswith="incident"):
        yield {"at": instant(event.at), "what": event.verb, "target": f"{event.target_type}:{event.target_id}"}
