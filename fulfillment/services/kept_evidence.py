"""Whether all that is kept as evidence is still what it was: papers by their signatures, files by what was written down of them.

What is compared with what: a certificate with its signature, by a key that is or was the portal's, and with the audit log, which
names each one issued; a text that was signed under with the digest beside each signature; a release's archive with the digest in
the audit log, and where it differs, file by file with the release's list; a stored image with the digest its row has had since it
was accepted.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from django.core.files.storage import Storage
from django.db import models

from fulfillment.evidence import check_document
from fulfillment.intake import sealing
from fulfillment.models import (
    Attestation,
    DeidCertificate,
    DestructionAttestation,
    Image,
    OriginalsDestruction,
    Release,
    ReleaseFile,
    SourceFile,
)
from getdata.audit.models import AuditEvent
from getdata.common import crypto, storage, stored_objects
from getdata.trust.signing import known_keys
from requests_app.models import Agreement, Signature, SpecVersion
from requests_app.spec import DatasetSpec, spec_sha256

Tell = Callable[[str], None]
MANIFEST = "manifest-sha256.txt"


@dataclass
class Findings:
    """``problems`` name the thing in words; ``looked`` counts what was compared, by kind."""

    problems: list[str] = field(default_factory=list)
    looked: dict[str, int] = field(default_factory=dict)

    def add(self, kind: str, found: Iterator[str]) -> None:
        self.looked[kind] = self.looked.get(kind, 0) + 1
        self.problems += found


def verify_everything(*, tell: Tell = lambda _: None, originals: bool = False) -> Findings:
    """Look at all of it, in the memory of a few blocks. ``originals`` opens each sealed object too, block by block."""
    findings = Findings()
    keys = {key.fingerprint for key in known_keys()}
    for model, verb in ((DeidCertificate, "batch.certified"), (OriginalsDestruction, "originals.destroyed")):
        for certificate in model._default_manager.order_by("created_at").iterator(chunk_size=50):
            findings.add("certificates", _certificate(certificate, keys))
        findings.problems += _against_the_log(model, verb)
    tell(f"Certificates: {findings.looked.get('certificates', 0):,}.")
    for version in SpecVersion.objects.iterator(chunk_size=100):
        findings.add("signed texts", _specification(version))
    for agreement in Agreement.objects.iterator(chunk_size=100):
        findings.add("signed texts", _agreement(agreement))
    for attestation in Attestation.objects.iterator(chunk_size=100):
        findings.add("signed texts", _text(attestation, attestation.statement, attestation.statement_sha256))
    for word in DestructionAttestation.objects.iterator(chunk_size=100):
        findings.add("certificates", _certificate(word, keys))
    for release in Release.objects.exclude(archive="").select_related("request").order_by("created_at"):
        findings.add("releases", verify_release(release))
        tell(f"Release {release.number} of {release.request.slug}: compared.")
    kept = Image.objects.exclude(taken_back__withdrawal__erased_at__isnull=False)
    for image in kept.order_by("pk").iterator(chunk_size=500):
        findings.add("images", _stored_image(image))
        if findings.looked["images"] % 1000 == 0:
            tell(f"Images: {findings.looked['images']:,} so far.")
    if originals:
        held = SourceFile.objects.exclude(stored="").select_related("batch__fulfillment").order_by("pk")
        for file in held.iterator(chunk_size=200):
            findings.add("originals", _original(file))
    return findings


def verify_release(release: Release) -> Iterator[str]:
    """What of a built release is not what the audit log and the release's list say; each file by its path."""
    name, store = f"release {release.number} of {release.request.slug}", storage.released()
    events = AuditEvent.objects.filter(verb="release.built", target_id=str(release.pk)).order_by("-id")
    built = events.values_list("data", flat=True).first()
    if built is None:
        yield f"{name}: the audit log has no event of its package being built"
        return
    if (built["sha256"], built["bytes"]) != (release.archive_sha256, release.archive_size):
        yield f"{name}: its row has another digest or size than the audit log: the row was altered"
    try:
        digest, size = stored_objects.sha256(store, release.archive)
    except FileNotFoundError:
        yield f"{name}: {release.archive} is not in the storage"
        return
    listed = _as_listed(release)
    if (digest, size) == (built["sha256"], built["bytes"]):
        if listed is not None:
            yield from (f"{name}: {problem}" for problem in _list_against(release, store, listed))
        return
    yield f"{name}: {release.archive} is not the package that was built (it has {size:,} bytes, of {built['bytes']:,})"
    for file in release.files.order_by("offset").iterator(chunk_size=1000):
        if _part(store, release.archive, file) != file.sha256:
            yield f"{name}: {file.path} was altered"


def _as_listed(release: Release) -> ReleaseFile | None:
    return release.files.filter(path=MANIFEST).first()


def _list_against(release: Release, store: Storage, manifest: ReleaseFile) -> Iterator[str]:
    """The rows of the list against the manifest in the package, which is as it was built."""
    blocks = storage.read_range(store, release.archive, manifest.offset, manifest.offset + manifest.size)
    lines = b"".join(blocks).decode("utf-8", "replace").splitlines()
    said = {path: digest for digest, _, path in (line.partition("  ") for line in lines)}
    rows = dict(release.files.filter(path__startswith="data/").values_list("path", "sha256"))
    yield from (f"the list's row of {path} was removed" for path in sorted(set(said) - set(rows)))
    yield from (f"the list's row of {path} was inserted" for path in sorted(set(rows) - set(said)))
    yield from (
        f"the list's row of {path} was altered" for path in sorted(set(rows) & set(said)) if rows[path] != said[path]
    )
    for path, digest in release.items.values_list("path", "sha256"):
        if said.get(f"data/{path}", digest) != digest:
            yield f"the row of the image {path} was altered"


def _part(store: Storage, archive: str, file: ReleaseFile) -> str:
    digest = hashlib.sha256()
    for block in storage.read_range(store, archive, file.offset, file.offset + file.size):
        digest.update(block)
    return digest.hexdigest()


def _certificate(row: DeidCertificate | OriginalsDestruction | DestructionAttestation, keys: set[str]) -> Iterator[str]:
    verdict = check_document(row.text.encode())
    yield from (f"{row}: {problem}" for problem in verdict.problems)
    if not verdict.problems and verdict.signer not in keys:
        yield f"{row}: it is signed by a key that is none of this portal's ({verdict.signer[:16]}…)"


def _against_the_log(model: Any, verb: str) -> Iterator[str]:
    """Certificates that the audit log says were issued, and that are not there any more, or not as they were issued."""
    kind = model._meta.verbose_name
    for event in AuditEvent.objects.filter(verb=verb, data__has_key="certificate").iterator(chunk_size=1000):
        pk, place = event.data["certificate"], f"event {event.id} of the audit log"
        text = model._default_manager.filter(pk=pk).values_list("text", flat=True).first()
        if text is None:
            yield f"{kind} {pk} was removed; {place} says that it was issued"
        elif hashlib.sha256(text.encode()).hexdigest() != event.data["sha256"]:
            yield f"{kind} {pk} is not the one that was issued by {place}"


def _specification(version: SpecVersion) -> Iterator[str]:
    try:
        found = spec_sha256(DatasetSpec.model_validate(version.document))
    except ValueError:
        found = ""
    if found != version.sha256:
        yield f"version {version.number} of the specification {version.pk}: its content is not what its digest says"


def _agreement(agreement: Agreement) -> Iterator[str]:
    yield from _text(agreement, agreement.text, agreement.text_sha256)
    for signature in Signature.objects.filter(agreement=agreement).exclude(text_sha256=agreement.text_sha256):
        yield f"signature {signature.pk}: it is under another text than agreement {agreement.pk} has now"


def _text(row: models.Model, text: str, digest: str) -> Iterator[str]:
    if hashlib.sha256(text.encode()).hexdigest() != digest:
        yield f"{row._meta.verbose_name} {row.pk}: its text is not what its digest says"


def _stored_image(image: Image) -> Iterator[str]:
    try:
        digest, _ = stored_objects.sha256(storage.released(), image.stored)
    except FileNotFoundError:
        yield f"image {image.pk}: {image.stored} is not in the storage"
        return
    if digest != image.output_sha256:
        yield f"image {image.pk}: {image.stored} is not the file that was accepted"


def _original(file: SourceFile) -> Iterator[str]:
    try:
        for _ in sealing.blocks(file.batch.fulfillment.hospital_id, file.stored):
            pass
    except FileNotFoundError:
        yield f"original {file.stored}: it is not in the storage"
    except crypto.CannotOpen as problem:
        yield f"original {file.stored}: {problem}"
