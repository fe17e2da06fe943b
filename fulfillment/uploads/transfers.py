"""Resumable transfers: made, appended to by compare-and-swap, finished once, ended early."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from io import FileIO

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from fulfillment.models import Batch, SourceFile, Upload, UploadStatus
from fulfillment.uploads import names, pressure, rights, staging
from fulfillment.uploads.body import Body, Checksum, Interrupted
from fulfillment.uploads.handover import take_back
from fulfillment.uploads.ledger_entry import prepare, take_in
from getdata.accounts.models import User
from getdata.accounts.permissions import require
from getdata.common.problems import CannotDo
from getdata.common.states import StaleState, transition
from getdata.common.storage import FULL

#: How many received bytes a killed server may lose of a transfer without checksum.
_SAVE_EVERY = 16 * 1024**2


def uploads_of(batch: Batch) -> QuerySet[Upload]:
    """Transfers of a batch that are not finished and not expired."""
    return batch.uploads.filter(status=UploadStatus.ACTIVE, expires_at__gt=timezone.now())


def create_upload(
    *, batch: Batch, actor: User, name: str, length: int, modified: str = "", metadata: str = ""
) -> Upload:
    """Begin a transfer of ``length`` bytes. ``modified`` is the file's time of change, if the client tells it; ``metadata``
    what it wrote about the file, to be told again as it came.

    Raises ``CannotDo`` for a person, a batch, a name or a size that is not allowed.
    """
    rights.require_may_add_files(actor, batch)
    name = names.clean_relative_path(name)
    rights.require_length(length, name)
    pressure.require_room(batch, length)
    upload = Upload(
        batch=batch,
        created_by=actor,
        sealed_name=names.seal_name(batch, name),
        sealed_metadata=names.seal_name(batch, metadata) if metadata else b"",
        fingerprint=names.upload_fingerprint(batch, name, length, modified),
        length=length,
        expires_at=_expiry(),
    )
    staging.create(str(upload.pk))
    try:
        upload.save(force_insert=True)
    except BaseException:
        staging.discard(str(upload.pk))
        raise
    return upload


def append(*, upload: Upload, actor: User, offset: int, body: Body, checksum: Checksum | None = None) -> Upload:
    """Append the body at ``offset`` and return the fresh row, finished when it was the last part.

    With a checksum the part counts whole or not at all. Without one, what arrived before an interruption is kept.
    Raises ``CannotDo`` with code ``offset_mismatch``, ``upload_busy``, ``upload_gone``, ``checksum_mismatch``,
    ``too_large``, ``interrupted`` or a refusal of :func:`take_in`.
    """
    rights.require_may_add_files(actor, upload.batch)
    _require_live(upload)
    if offset != upload.offset:
        raise _mismatch(upload.offset)
    if upload.status == UploadStatus.COMPLETE and not body.announced:
        return upload  # the last part once more, because its answer was lost
    if body.announced is not None and offset + body.announced > upload.length:
        raise _beyond()
    try:
        with staging.writing(str(upload.pk)) as handle:
            upload = measure(_fresh(upload))
            if offset != upload.offset:
                raise _mismatch(upload.offset)
            whole = _Receiver(upload, handle, checksum).receive(body)
            upload = _fresh(upload)
            if upload.offset < upload.length:
                return upload
            staging.make_durable(handle)
            sha256 = whole or staging.sha256_of(handle)
    except staging.Busy as error:
        raise CannotDo(
            "Another request is sending this file.", remedy="Wait until it ends, then go on.", code="upload_busy"
        ) from error
    except staging.Missing as error:
        raise _gone() from error
    return _enter_ledger(upload, actor, sha256)


def finish(*, upload: Upload, actor: User | None) -> Upload:
    """Enter a transfer whose bytes are all here, if nobody has: the answer to a server that died at the last step."""
    if upload.status != UploadStatus.ACTIVE or upload.offset < upload.length:
        return upload
    try:
        with staging.writing(str(upload.pk)) as handle:
            staging.make_durable(handle)
            sha256 = staging.sha256_of(handle)
    except staging.Busy:
        return upload  # whoever holds it finishes it
    except staging.Missing:
        return transition(Upload, upload.pk, UploadStatus.ACTIVE, UploadStatus.TERMINATED, actor=actor)
    return _enter_ledger(upload, actor, sha256)


def measure(upload: Upload) -> Upload:
    """The row with an offset that is true: no more than the bytes that are on disk."""
    if upload.status == UploadStatus.ACTIVE and (size := staging.size(str(upload.pk))) < upload.offset:
        Upload.objects.filter(pk=upload.pk, status=UploadStatus.ACTIVE, offset=upload.offset).update(offset=size)
        upload = _fresh(upload)
    return upload


def terminate(*, upload: Upload, actor: User | None) -> None:
    """End a transfer and remove its bytes. One that is complete raises ``upload_complete``, an ended one ``upload_gone``."""
    if actor is not None:
        require(actor, "upload", upload.batch.fulfillment.hospital)
    try:
        transition(Upload, upload.pk, UploadStatus.ACTIVE, UploadStatus.TERMINATED, actor=actor)
    except StaleState as error:
        if Upload.objects.filter(pk=upload.pk, status=UploadStatus.COMPLETE).exists():
            raise CannotDo(
                "This transfer is complete: the file is in the batch.",
                remedy="Withdraw the file on the batch's page, if it is not meant to be there.",
                code="upload_complete",
            ) from error
        raise _gone() from error
    staging.discard(str(upload.pk))


def terminate_all(*, batch: Batch, actor: User) -> int:
    """End every unfinished transfer of a batch; returns how many."""
    require(actor, "upload", batch.fulfillment.hospital)
    ended = 0
    for upload in batch.uploads.filter(status=UploadStatus.ACTIVE):
        try:
            terminate(upload=upload, actor=actor)
            ended += 1
        except CannotDo:
            continue  # it finished meanwhile
    return ended


class _Receiver:
    """One part of one transfer on its way to disk, while the staged file is held."""

    def __init__(self, upload: Upload, handle: FileIO, checksum: Checksum | None) -> None:
        self.upload, self.handle, self.checksum = upload, handle, checksum
        self.start = self.saved = self.position = upload.offset
        self.sha256 = hashlib.sha256()

    def receive(self, body: Body) -> str:
        """Write the body. Returns the SHA-256 (hex) of the whole file if this part was all of it, else ``""``."""
        self.handle.truncate(self.start)  # bytes of an earlier part that was never counted
        self.handle.seek(self.start)
        try:
            for block in body.blocks():
                self._take(block)
        except Interrupted as error:
            if self.checksum is None:
                self._save()
            else:
                self._undo()
            raise CannotDo(
                "The connection broke off.", remedy="Ask for the offset and go on.", code="interrupted"
            ) from error
        except OSError as error:
            if error.errno not in FULL:
                raise
            # What is counted fits on the disk: the transfer goes on from there when there is room again.
            if self.checksum is None:
                self.handle.truncate(self.position)
                self._save()
            else:
                self._undo()
            raise pressure.disk_full() from error
        if self.checksum is not None and not self.checksum.matches():
            self._undo()
            raise CannotDo(
                "The part was damaged on its way: its checksum does not match.",
                remedy="Send the part again from the same offset.",
                code="checksum_mismatch",
            )
        self._save()
        return self.sha256.hexdigest() if self.start == 0 and self.position == self.upload.length else ""

    def _take(self, block: bytes) -> None:
        if self.position + len(block) > self.upload.length:
            self._undo()
            raise _beyond()
        staging.write_all(self.handle, block)
        self.position += len(block)
        self.sha256.update(block)
        if self.checksum is not None:
            self.checksum.update(block)
        elif self.position - self.saved >= _SAVE_EVERY:
            self._save()

    def _undo(self) -> None:
        self.handle.truncate(self.saved)

    def _save(self) -> None:
        moved = Upload.objects.filter(pk=self.upload.pk, status=UploadStatus.ACTIVE, offset=self.saved).update(
            offset=self.position, expires_at=_expiry()
        )
        if moved != 1:
            raise _gone()  # ended meanwhile: its offset moves only under the lock we hold
        self.saved = self.position


def _enter_ledger(upload: Upload, actor: User | None, sha256: str) -> Upload:
    name = names.unseal_name(upload)
    stored = prepare(batch=upload.batch, name=name, staged=str(upload.pk), sha256=sha256)
    try:
        with transaction.atomic():
            # Completing first makes this the one request that enters the file.
            upload = transition(Upload, upload.pk, UploadStatus.ACTIVE, UploadStatus.COMPLETE, actor=actor)
            file, _ = take_in(
                batch=upload.batch,
                name=name,
                staged=str(upload.pk),
                size=upload.length,
                sha256=sha256,
                actor=actor,
                stored=stored,
            )
            Upload.objects.filter(pk=upload.pk).update(file=file)
    except StaleState:
        take_back(stored)
        return _fresh(upload)
    except CannotDo:
        terminate(upload=upload, actor=None)
        raise
    _end_abandoned_twins(upload)
    return _fresh(upload)


def _end_abandoned_twins(upload: Upload) -> None:
    """A client that got no answer begins again: its first transfer would hold up the batch until it expired."""
    for twin in Upload.objects.filter(
        batch=upload.batch_id, fingerprint=upload.fingerprint, status=UploadStatus.ACTIVE
    ).exclude(pk=upload.pk):
        try:
            terminate(upload=twin, actor=None)
        except CannotDo:
            continue


def was_already_there(upload: Upload) -> bool:
    """True when a finished transfer brought nothing new."""
    file: SourceFile | None = upload.file
    return file is not None and file.created_at < upload.created_at


def _fresh(upload: Upload) -> Upload:
    return Upload.objects.select_related("batch__fulfillment__hospital", "file").get(pk=upload.pk)


def _expiry() -> datetime:
    return timezone.now() + timedelta(hours=settings.UPLOAD_EXPIRY_HOURS)


def _require_live(upload: Upload) -> None:
    if upload.status == UploadStatus.TERMINATED or (
        upload.status == UploadStatus.ACTIVE and upload.expires_at <= timezone.now()
    ):
        raise _gone()


def _gone() -> CannotDo:
    return CannotDo(
        "This transfer was ended or has expired.", remedy="Begin a new one for the file.", code="upload_gone"
    )


def _mismatch(offset: int) -> CannotDo:
    return CannotDo(
        f"The server holds {offset:,} bytes of this file, not as many as the request says.",
        remedy="Ask for the offset with HEAD and go on from there.",
        code="offset_mismatch",
    )


def _beyond() -> CannotDo:
    return CannotDo(
        "The part reaches beyond the announced length of the file.",
        remedy="Begin a new transfer with the file's true length.",
        code="too_large",
    )
