"""The C-STORE and C-ECHO provider (PS3.4 annexes A and B): what an allowed sender stores is in the ledger before it is confirmed.

pynetdicom speaks the protocol. What it does not bound is bounded here: the length of a protocol unit before anybody is known, the
size of an instance, the patience with a silent connection. Its own log lines quote data sets and AE titles and are switched off.
"""

from __future__ import annotations

import hashlib
import logging
import os
import socket
import ssl
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from django.conf import settings
from django.db import connections
from django.utils import timezone
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, _config, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from deid.dicomfile.read import KNOWN_SYNTAXES
from fulfillment.dicomweb.store_answer import Outcome, Reason
from fulfillment.dicomweb.storing import enter_instance
from fulfillment.dicomweb.targets import open_batch
from fulfillment.models import DicomSender
from fulfillment.services.dicom_senders import who_calls
from fulfillment.uploads import staging
from getdata.audit.chain import record
from getdata.common.problems import CannotDo

logger = logging.getLogger("getdata.dicom_listener")
SUCCESS = 0x0000
_REJECTED_PERMANENT, _BY_USER, _UNKNOWN_CALLER = 0x01, 0x01, 0x03
#: Room of a message beside its data set, when bytes are counted against the largest instance.
_ROOM = 1024**2
#: Half-received instances of connections that broke are removed after this.
_STALE_SECONDS = 900


@dataclass
class _Call:
    """One association: who calls, what came of it, and the bytes since its last message."""

    sender: DicomSender | None = None
    stored: int = 0
    refused: int = 0
    unread: int = 0


def quiet_library() -> None:
    """pynetdicom logs AE titles, addresses and data sets: nothing of it is written anywhere."""
    logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
    logging.getLogger("pydicom").setLevel(logging.CRITICAL + 1)
    _config.LOG_HANDLER_LEVEL = "none"
    _config.LOG_REQUEST_IDENTIFIERS = False
    _config.LOG_RESPONSE_IDENTIFIERS = False


def _quiet_thread(failure: Any) -> None:
    """A thread that fails says where, never what: the text of an exception may hold a value."""
    name = failure.exc_type.__name__ if failure.exc_type else ""
    logger.error("a thread of the listener failed", extra={"error": name})


class _LazyHandshake(ssl.SSLContext):
    """The handshake runs in the connection's own thread: a peer that stalls does not keep others out."""

    def wrap_socket(self, sock: Any, *args: Any, **kwargs: Any) -> Any:
        sock.settimeout(settings.DICOM_IDLE_SECONDS)
        return super().wrap_socket(sock, *args, **{**kwargs, "do_handshake_on_connect": False})


def tls_context() -> ssl.SSLContext | None:
    """TLS 1.2 or newer with the certificate of the settings; with a client CA no one gets in without its certificate."""
    if not settings.DICOM_TLS_CERTIFICATE:
        return None
    context = _LazyHandshake(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(settings.DICOM_TLS_CERTIFICATE, settings.DICOM_TLS_KEY or None)
    if settings.DICOM_TLS_CLIENT_CA:
        context.load_verify_locations(settings.DICOM_TLS_CLIENT_CA)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class Listener:
    """``start()``, then ``stop()``. One in a process: it sets where the library puts what it receives."""

    def __init__(self, *, host: str = "", port: int | None = None) -> None:
        self.host = host or settings.DICOM_HOST
        self.port = settings.DICOM_PORT if port is None else port
        self._calls: dict[Any, _Call] = {}
        self._lock = threading.Lock()
        self._server: Any = None
        self._before: tuple[Any, ...] = ()

    def start(self) -> int:
        """Listen. Returns the port."""
        quiet_library()
        self._before = (tempfile.tempdir, _config.STORE_RECV_CHUNKED_DATASET, threading.excepthook)
        tempfile.tempdir = str(_landing())  # beside the staged files, so that taking one over is a rename
        _config.STORE_RECV_CHUNKED_DATASET = True  # an instance goes to disk while it arrives
        threading.excepthook = _quiet_thread
        self._server = self._entity().start_server(
            (self.host, self.port),
            block=False,
            ssl_context=tls_context(),
            evt_handlers=[
                (evt.EVT_CONN_OPEN, self._opened),
                (evt.EVT_REQUESTED, self._requested),
                (evt.EVT_DATA_RECV, self._received),
                (evt.EVT_C_ECHO, self._echo),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_RELEASED, self._ended),
                (evt.EVT_ABORTED, self._ended),
                (evt.EVT_CONN_CLOSE, self._ended),
            ],
        )
        self.port = int(self._server.socket.getsockname()[1])
        return self.port

    def stop(self) -> None:
        """Stop listening; associations under way are aborted, what was confirmed stays."""
        if self._server is not None:
            self._server.ae.shutdown()
        tempfile.tempdir, _config.STORE_RECV_CHUNKED_DATASET, threading.excepthook = self._before

    def sweep(self) -> int:
        """Remove what connections that broke left behind. Returns how many files."""
        removed, oldest = 0, time.time() - _STALE_SECONDS
        for entry in _landing().iterdir():
            try:
                if entry.stat().st_mtime < oldest:
                    entry.unlink()
                    removed += 1
            except FileNotFoundError:
                continue
        return removed

    @staticmethod
    def _entity() -> Any:
        entity = AE(ae_title=settings.DICOM_AE_TITLE)
        entity.require_called_aet = True
        entity.maximum_associations = settings.DICOM_MAX_ASSOCIATIONS
        entity.maximum_pdu_size = settings.DICOM_MAX_PDU
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = settings.DICOM_IDLE_SECONDS
        entity.add_supported_context(Verification)
        syntaxes = sorted(KNOWN_SYNTAXES)
        for context in AllStoragePresentationContexts:
            # Whatever a PACS has of the study may come: what is no radiograph of the request is refused with a cause on the page.
            entity.add_supported_context(cast(Any, context.abstract_syntax), syntaxes)
        return entity

    # --- what the library calls ---------------------------------------------------------------------------------------

    def _opened(self, event: Any) -> None:
        """Before anybody is known: no protocol unit larger than ours, no endless silence within one."""
        with self._lock:
            self._calls[event.assoc] = _Call()
        connection = event.assoc.dul.socket
        connection.socket.settimeout(settings.DICOM_IDLE_SECONDS)
        receive, most = connection.recv, settings.DICOM_MAX_PDU + _ROOM

        def bounded(count: int) -> bytearray:
            return receive(count) if count <= most else bytearray()  # too short: taken for a broken connection

        connection.recv = bounded

    def _requested(self, event: Any) -> None:
        """Who calls must be on the allow-list, from where it is expected. Whatever fails here keeps the door shut."""
        sender = None
        try:
            caller = event.assoc.requestor
            sender = who_calls(str(caller.primitive.calling_ae_title), str(caller.address))
            if sender is not None:
                DicomSender.objects.filter(pk=sender.pk).update(last_seen_at=timezone.now())
        except Exception as error:
            sender = None
            logger.error("a caller could not be looked up", extra={"error": type(error).__name__})
        finally:
            connections.close_all()  # a thread of the library's ends without a word: nothing is left open in it
        if sender is None:
            logger.info("an association was refused")
            event.assoc.acse.send_reject(_REJECTED_PERMANENT, _BY_USER, _UNKNOWN_CALLER)
            event.assoc.kill()  # waits until the refusal has gone out
            return
        self._call(event).sender = sender

    def _received(self, event: Any) -> None:
        """Count what comes between two messages: an instance without end is cut off."""
        call = self._call(event)
        call.unread += len(event.data)
        if call.unread > settings.MAX_INSTANCE_BYTES + _ROOM:
            call.unread, call.refused = 0, call.refused + 1
            event.assoc.dul.socket.socket.shutdown(socket.SHUT_RDWR)

    def _echo(self, event: Any) -> int:
        call = self._call(event)
        call.unread = 0
        return SUCCESS if call.sender is not None else int(Reason.NOT_AUTHORIZED)

    def _store(self, event: Any) -> Any:
        """One instance. Success is said only of what is durably in the ledger; anything else leaves no trace."""
        call = self._call(event)
        call.unread = 0
        try:
            outcome, comment = self._take(call, event)
        except Exception as error:
            logger.error("an instance could not be taken in", extra={"error": type(error).__name__})
            outcome, comment = Outcome(failure=Reason.OUT_OF_RESOURCES), "An outage of the receiver. Send it again."
        finally:
            Path(event.dataset_path).unlink(missing_ok=True)
            connections.close_all()
        if outcome.failure is None:
            call.stored += 1
        else:
            call.refused += 1
        answer = Dataset()
        answer.Status = int(outcome.warning or SUCCESS) if outcome.failure is None else int(outcome.failure)
        if comment:
            answer.ErrorComment = comment[:64]
        return answer

    def _take(self, call: _Call, event: Any) -> tuple[Outcome, str]:
        sender = (
            DicomSender.objects.filter(pk=call.sender.pk, is_enabled=True)
            .select_related("hospital", "delivery")
            .first()
            if call.sender is not None
            else None
        )
        if sender is None:
            return Outcome(failure=Reason.NOT_AUTHORIZED), "This sender is not let in any more."
        try:
            batch = open_batch(sender.hospital, sender.delivery)
        except CannotDo as refusal:
            return Outcome(failure=Reason.OUT_OF_RESOURCES), refusal.message
        staged, size, sha256 = _staged(Path(event.dataset_path))
        outcome = enter_instance(
            batch=batch,
            actor=None,
            staged=staged,
            size=size,
            sha256=sha256,
            instance=str(event.request.AffectedSOPInstanceUID),
        )
        return outcome, _WORDS.get(outcome.failure, "") if outcome.failure else ""

    def _ended(self, event: Any) -> None:
        """One line in the audit log for each association that brought something; the library may call this more than once."""
        with self._lock:
            call = self._calls.pop(event.assoc, None)
        if call is None:
            return
        try:
            if call.sender is not None and (call.stored or call.refused):
                record(
                    verb="dicomsender.delivered",
                    target=call.sender,
                    organization_id=call.sender.hospital_id,
                    data={"stored": call.stored, "refused": call.refused},
                )
                logger.info(
                    "an association ended",
                    extra={"organization": str(call.sender.hospital_id), "count": call.stored},
                )
        except Exception as error:
            logger.error("an association's end could not be recorded", extra={"error": type(error).__name__})
        finally:
            connections.close_all()

    def _call(self, event: Any) -> _Call:
        with self._lock:
            return self._calls.setdefault(event.assoc, _Call())


_WORDS: dict[Reason, str] = {
    Reason.NOT_UNDERSTOOD: "The instance cannot be read.",
    Reason.SYNTAX_NOT_SUPPORTED: "This transfer syntax is not supported.",
    Reason.DOES_NOT_MATCH: "The data set is another instance than announced.",
    Reason.NOT_AUTHORIZED: "The batch takes no more files.",
    Reason.OUT_OF_RESOURCES: "The receiver has no room, or it is too large.",
}


def _landing() -> Path:
    """Where instances lie while they arrive: in the staging folder, apart from what is staged."""
    place = staging.folder() / "arriving"
    place.mkdir(mode=0o700, exist_ok=True)
    return place


def _staged(path: Path) -> tuple[str, int, str]:
    """Take a received file over into staging, durable: its name there, its bytes, its SHA-256."""
    name = staging.create()
    try:
        os.replace(path, staging.path(name))
        with staging.path(name).open("r+b", buffering=0) as handle:
            total = hashlib.sha256()
            while block := handle.read(staging.BLOCK):
                total.update(block)
            staging.make_durable(handle)
            return name, handle.tell(), total.hexdigest()
    except BaseException:
        staging.discard(name)
        raise
