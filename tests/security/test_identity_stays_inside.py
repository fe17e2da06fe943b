"""Identity stays in the quarantine: not in messages, sessions, caches, logs, or clear bytes that nobody needs any more."""

from __future__ import annotations

import hashlib
import io
import json
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.sessions.models import Session
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client, RequestFactory
from django.utils import timezone
from rest_framework.test import APIClient

from fulfillment import ledger
from fulfillment.models import SourceFile, SourceFileStatus
from fulfillment.uploads import one_shot, staging, sweep, take_in
from getdata.common.logs import JsonFormatter
from getdata.common.problems import CannotDo
from tests.fulfillment.uploads.conftest import SECRET_NAME, Scene, Tus

pytestmark = pytest.mark.django_db
DICOM = b"\0" * 128 + b"DICM" + b"content"


@pytest.fixture(autouse=True)
def _nothing_is_processed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)


def entered(scene: Scene, name: str, data: bytes) -> SourceFile:
    staged = staging.create()
    staging.path(staged).write_bytes(data)
    file, _ = take_in(
        batch=scene.batch, name=name, staged=staged, size=len(data), sha256=hashlib.sha256(data).hexdigest()
    )
    return SourceFile.objects.get(pk=file.pk)


# --- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 5])
def test_a_refused_file_of_a_form_is_named_by_its_place_not_by_its_name(
    client: Client, scene: Scene, count: int
) -> None:
    """A message waits in a cookie or, when it is long, in the session's row: neither may hold a patient's name."""
    client.force_login(scene.manager)
    names = [f"MUELLER_HANS_19530412_{'x' * 900}_{n}.dcm" for n in range(count)]
    files = [SimpleUploadedFile(name, b"") for name in names]
    client.post(f"/batches/{scene.batch.pk}/upload/", {"files": files})
    request = RequestFactory().get("/")
    request.COOKIES = {name: morsel.value for name, morsel in client.cookies.items()}
    waiting, _ = CookieStorage(request)._get()
    cookies = " ".join(str(message) for message in waiting or [])
    sessions = " ".join(json.dumps(row.get_decoded()) for row in Session.objects.all())
    assert "File 1" in cookies + sessions, "the test looks in the wrong place"
    assert "MUELLER" not in cookies + sessions
    page = client.get(f"/batches/{scene.batch.pk}/").content.decode()
    assert "MUELLER" not in page
    assert "File 1 of the form" in page and "is empty" in page


@pytest.mark.parametrize("path", ["", "?state=failed"])
def test_a_page_with_file_names_is_not_kept_by_the_browser(client: Client, scene: Scene, tus: Tus, path: str) -> None:
    tus.send(SECRET_NAME, DICOM)
    client.force_login(scene.manager)
    answer = client.get(f"/batches/{scene.batch.pk}/{path}")
    assert "no-store" in answer["Cache-Control"]


def test_an_api_answer_with_a_file_name_is_not_kept(scene: Scene, tus: Tus) -> None:
    tus.send(SECRET_NAME, DICOM)
    answer = tus.client.get(f"/api/v1/files/{SourceFile.objects.get().pk}/")
    assert answer.json()["original_name"] == SECRET_NAME
    assert "no-store" in answer["Cache-Control"]


# --- clear bytes in staging --------------------------------------------------------------------------------------------


def test_a_file_that_another_replaces_leaves_no_clear_bytes(
    scene: Scene, django_capture_on_commit_callbacks: Any
) -> None:
    old = entered(scene, "export.zip", b"PK\x03\x04 first")
    SourceFile.objects.filter(pk=old.pk).update(status=SourceFileStatus.FAILED, reason="TIME_LIMIT")
    with django_capture_on_commit_callbacks(execute=True):
        entered(scene, "export.zip", b"PK\x03\x04 corrected")
    fresh = SourceFile.objects.get(pk=old.pk)
    assert (fresh.status, fresh.reason, fresh.staged) == ("withdrawn", "REPLACED", "")
    assert staging.size(old.staged) == 0
    assert len(list(staging.folder().iterdir())) == 1


@pytest.mark.parametrize("status", ["passed", "rejected", "quarantined", "withdrawn"])
def test_clear_bytes_of_a_settled_file_are_swept_at_once(scene: Scene, status: str) -> None:
    """A worker that is killed between settling and clearing up leaves them behind."""
    file = entered(scene, "a.zip", b"PK\x03\x04")
    SourceFile.objects.filter(pk=file.pk).update(status=status, settled_at=timezone.now())
    sweep()
    assert list(staging.folder().iterdir()) == []
    assert SourceFile.objects.get().staged == ""


def test_clear_bytes_of_a_failed_file_wait_for_a_retry_and_then_go(scene: Scene, settings: Any) -> None:
    file = entered(scene, "a.zip", b"PK\x03\x04")
    now = timezone.now()
    SourceFile.objects.filter(pk=file.pk).update(status="failed", settled_at=now)
    sweep()
    assert staging.size(file.staged)
    late = now - timedelta(hours=settings.UPLOAD_EXPIRY_HOURS + 1)
    SourceFile.objects.filter(pk=file.pk).update(settled_at=late)
    sweep()
    assert list(staging.folder().iterdir()) == []


def test_bytes_that_a_worker_still_needs_are_not_swept(scene: Scene) -> None:
    for number, status in enumerate(["received", "processing"]):
        file = entered(scene, f"{number}.dcm", DICOM + bytes([number]))
        SourceFile.objects.filter(pk=file.pk).update(status=status)
    sweep()
    assert len(list(staging.folder().iterdir())) == 2


def test_a_form_that_breaks_a_limit_leaves_no_clear_bytes(tus: Tus, scene: Scene, settings: Any) -> None:
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 100
    body = b'--B\r\nContent-Disposition: form-data; name="files"; filename="a.dcm"\r\n\r\n' + DICOM + b"\r\n"
    body += b'--B\r\nContent-Disposition: form-data; name="x"\r\n\r\n' + b"y" * 500 + b"\r\n--B--\r\n"
    client: APIClient = tus.client
    client.raise_request_exception = False
    answer = client.generic(
        "POST", f"/api/v1/batches/{scene.batch.pk}/files/", body, content_type="multipart/form-data; boundary=B"
    )
    assert answer.status_code in (400, 413)
    assert list(staging.folder().iterdir()) == []


def test_a_form_for_a_batch_that_was_sealed_meanwhile_leaves_no_clear_bytes(scene: Scene) -> None:
    from django.utils.datastructures import MultiValueDict

    staged = staging.create()
    staging.path(staged).write_bytes(DICOM)
    files = MultiValueDict({"files": [one_shot.Staged("a.dcm", staged, len(DICOM), "0" * 64)]})
    scene.batch.status = "sealed"
    with pytest.raises(CannotDo):
        one_shot.receive_form(batch=scene.batch, actor=scene.manager, files=files)
    assert list(staging.folder().iterdir()) == []


# --- logs --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["celery.app.trace", "django.request", "kombu.x", "pydicom"])
def test_a_librarys_log_of_an_exception_does_not_repeat_its_message(name: str) -> None:
    """Celery writes the exception of a broken task into its own message."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    logger = logging.Logger(name)
    logger.addHandler(handler)
    try:
        raise ValueError("cannot read DOE^JANE")
    except ValueError as error:
        logger.error(
            "Task %(name)s raised unexpected: %(exc)s\n%(traceback)s",
            {"name": "fulfillment.process_task", "exc": repr(error), "traceback": f"ValueError: {error}"},
            exc_info=True,
        )
    assert "JANE" not in stream.getvalue()
    assert json.loads(stream.getvalue())["error"] == "ValueError"


def test_a_broken_task_under_celery_does_not_log_its_exceptions_message() -> None:
    from getdata.celery import app

    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    trace = logging.getLogger("celery.app.trace")
    trace.addHandler(handler)

    @app.task(name="tests.security.breaks")
    def breaks() -> None:
        raise ValueError("cannot read DOE^JANE")

    try:
        breaks.apply()
    finally:
        trace.removeHandler(handler)
        app.tasks.pop("tests.security.breaks", None)
    assert stream.getvalue(), "celery logged nothing: the test looks at the wrong logger"
    assert "JANE" not in stream.getvalue()


def test_the_address_of_an_invitation_does_not_reach_the_log() -> None:
    """Whoever holds the address holds the invitation; Django logs the path of a request it refuses."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter())
    loggers = [logging.getLogger(name) for name in ("django.request", "django.security.csrf")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.WARNING)
    token = "S3cretS3cretS3cretS3cretS3cretS3cretS3cretS3"
    try:
        from django.urls import reverse

        Client(enforce_csrf_checks=True).post(reverse("invitation_accept", args=[token]))
        Client().get(reverse("invitation_accept", args=[token]))
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.removeHandler(handler)
            logger.setLevel(level)
    assert stream.getvalue()
    assert token not in stream.getvalue()


def test_every_reason_of_a_broken_file_has_words_of_its_own() -> None:
    said = {ledger.broken(code)["message"] for code in ("WORKER_LOST", "TIME_LIMIT", "STAGING_MISSING", "MEMORY_LIMIT")}
    assert len(said) == 4
    assert ledger.broken("INTERNAL_ERROR")["message"] not in said
