"""Store Instances (PS3.18 10.5): a body of many instances goes to staging part by part, each entered into the ledger on its own."""

from __future__ import annotations

import errno
import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from io import FileIO
from typing import Any, BinaryIO, cast

from django.conf import settings
from django.db import Error as DatabaseError

from fulfillment.dicomweb import peek
from fulfillment.dicomweb.related import BadMultipart, Begin, End, read_related
from fulfillment.dicomweb.store_answer import WARNING_DOES_NOT_MATCH, Outcome, Reason
from fulfillment.models import Batch
from fulfillment.uploads import rights, staging
from fulfillment.uploads.body import Body, Interrupted
from fulfillment.uploads.ledger_entry import find_taken, take_in
from getdata.accounts.models import User
from getdata.common.problems import CannotDo

logger = logging.getLogger("getdata.dicomweb")

#: Code of a refusal -> what the sender is told.
_REASONS = {
    "batch_not_writable": Reason.NOT_AUTHORIZED,
    "too_large": Reason.OUT_OF_RESOURCES,
    "empty_file": Reason.NOT_UNDERSTOOD,
    "bad_file_name": Reason.NOT_UNDERSTOOD,
}
_FULL = (errno.ENOSPC, errno.EDQUOT)


@dataclass
class Stored:
    """What came of a body. ``trouble`` says why it was not read to its end, if so."""

    outcomes: list[Outcome] = field(default_factory=list)
    trouble: str = ""


def instance_name(identity: peek.Identity) -> str:
    """The name an instance has among a batch's files: a resend of the same instance meets its predecessor."""
    return f"{identity.study}/{identity.sop_instance}.dcm"


def enter_instance(
    *, batch: Batch, actor: User | None, staged: str, size: int, sha256: str, study: str = "", instance: str = ""
) -> Outcome:
    """Take a staged, durable instance into the ledger; success also when it is there already. A refused one leaves no staged copy.

    ``study`` and ``instance``: the only ones that are welcome, ``""`` for any.
    """
    try:
        with staging.path(staged).open("rb") as handle:
            identity = peek.identify(cast(BinaryIO, handle))
    except peek.SyntaxNotSupported:
        return _refused(staged, Reason.SYNTAX_NOT_SUPPORTED)
    except (peek.NotUnderstood, OSError):
        return _refused(staged, Reason.NOT_UNDERSTOOD)
    if (study and identity.study != study) or (instance and identity.sop_instance != instance):
        return _refused(staged, Reason.DOES_NOT_MATCH, identity)
    name = instance_name(identity)
    try:
        rights.require_length(size, name)
        take_in(batch=batch, name=name, staged=staged, size=size, sha256=sha256, actor=actor)
    except CannotDo as refusal:
        return _refused(staged, _REASONS.get(refusal.code, Reason.PROCESSING_FAILURE), identity)
    except Exception as error:
        # An outage of database or storage, each with errors of its own. Whether the row was written is not known: the staged
        # bytes stay, they are the row's, or the sweeper's.
        logger.error("an instance could not be entered", extra={"error": type(error).__name__})
        if not _is_taken(batch, name, sha256):
            return Outcome(identity.sop_class, identity.sop_instance, failure=Reason.OUT_OF_RESOURCES)
    warning = None if identity.is_consistent else WARNING_DOES_NOT_MATCH
    return Outcome(identity.sop_class, identity.sop_instance, warning=warning)


def _is_taken(batch: Batch, name: str, sha256: str) -> bool:
    try:
        return find_taken(batch, name, sha256) is not None
    except (DatabaseError, OSError):
        return False


def _refused(staged: str, reason: Reason, identity: peek.Identity | None = None) -> Outcome:
    staging.discard(staged)
    if identity is None:
        return Outcome(failure=reason)
    return Outcome(identity.sop_class, identity.sop_instance, failure=reason)


class _Part:
    """One part on its way to staging. After the first refusal the rest of it is read past."""

    def __init__(self) -> None:
        self.staged, self.size, self._hash = "", 0, hashlib.sha256()
        self.refusal: Reason | None = None
        self._handle: FileIO | None = None

    def begin(self, media_type: str) -> None:
        if media_type not in ("application/dicom", "application/octet-stream", ""):
            self.refusal = Reason.NOT_UNDERSTOOD
            return
        self._guarded(self._open)

    def _open(self) -> None:
        self.staged = staging.create()
        self._handle = staging.path(self.staged).open("r+b", buffering=0)

    def write(self, block: bytes) -> None:
        if self.refusal is not None or self._handle is None:
            return
        self.size += len(block)
        if self.size > settings.MAX_INSTANCE_BYTES:
            self._refuse(Reason.OUT_OF_RESOURCES)
            return
        handle = self._handle
        self._guarded(lambda: staging.write_all(handle, block))
        self._hash.update(block)

    def end(self) -> None:
        if self._handle is not None and self.refusal is None:
            handle = self._handle
            self._guarded(lambda: staging.make_durable(handle))
        self.close()
        if not self.size and self.refusal is None:
            self._refuse(Reason.NOT_UNDERSTOOD)

    def sha256(self) -> str:
        return self._hash.hexdigest()

    def close(self) -> None:
        if self._handle is not None:
            self._handle.close()
            self._handle = None

    def drop(self) -> None:
        self.close()
        staging.discard(self.staged)
        self.staged = ""

    def _refuse(self, reason: Reason) -> None:
        self.refusal = reason
        self.drop()

    def _guarded(self, step: Callable[[], Any]) -> None:
        """A full disk refuses this instance, not the ones that came before it."""
        try:
            step()
        except OSError as error:
            self._refuse(Reason.OUT_OF_RESOURCES if error.errno in _FULL else Reason.PROCESSING_FAILURE)


def store_instances(*, batch: Batch, actor: User, body: Body, boundary: str, study: str = "") -> Stored:
    """Read a ``multipart/related`` body to its end and enter each instance. Raises ``CannotDo`` when nothing may be added.

    What was complete before the body broke off, or before a limit was reached, is in the ledger and stays there.
    """
    rights.require_may_add_files(actor, batch)
    result, part = Stored(), _Part()
    reader = _Bounded(body)
    try:
        for event in read_related(reader.block, boundary):
            if isinstance(event, Begin):
                if len(result.outcomes) >= settings.DICOMWEB_MAX_INSTANCES:
                    result.trouble = "too_many"
                    break
                part = _Part()
                part.begin(event.media_type)
            elif isinstance(event, End):
                part.end()
                result.outcomes.append(_entered(batch, actor, part, study))
                part = _Part()
            else:
                part.write(event)
    except (BadMultipart, Interrupted):
        result.trouble = "interrupted"
    except _TooMuch:
        result.trouble = "too_large"
    finally:
        part.drop()
    return result


def _entered(batch: Batch, actor: User, part: _Part, study: str) -> Outcome:
    if part.refusal is not None:
        return Outcome(failure=part.refusal)
    staged, part.staged = part.staged, ""  # from here on it is the ledger's to keep or discard
    return enter_instance(batch=batch, actor=actor, staged=staged, size=part.size, sha256=part.sha256(), study=study)


class _TooMuch(Exception):
    """The whole body is larger than one request may be."""


class _Bounded:
    def __init__(self, body: Body) -> None:
        self.body, self.total = body, 0

    def block(self) -> bytes:
        block = self.body.read()
        self.total += len(block)
        if self.total > settings.MAX_UPLOAD_BYTES:
            raise _TooMuch
        return block
