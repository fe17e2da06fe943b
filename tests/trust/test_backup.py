"""A backup restored into an empty system: every row, the audit log's chain and every object are proven to be as they were."""

from __future__ import annotations

import base64
import os
from collections.abc import Iterator
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from fulfillment import write_once
from fulfillment.intake import sealing
from fulfillment.models import Image, SourceFile
from getdata.accounts.models import User
from getdata.audit import triggers
from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.common import storage, stored_objects
from getdata.trust.backup import locks, rows
from getdata.trust.backup.folder import DATABASE, DESCRIPTION
from getdata.trust.backup.making import ALIASES
from requests_app.models import DatasetRequest
from tests.support.images import sealed_batch

SECRET = b"the only original of PLANTED^IDENTITY"
PHRASE = "four random words here"


def emptied() -> None:
    """The system as it is after `migrate` on a new machine: no row, no object."""
    triggers.remove(connection)
    write_once.remove(connection)
    call_command("flush", interactive=False, verbosity=0)
    triggers.install(connection)
    write_once.install(connection)
    for alias in ALIASES:
        for key in list(stored_objects.keys(storages[alias])):
            storages[alias].delete(key)


@pytest.fixture
def empty_storages(transactional_db: None) -> Iterator[None]:
    emptied()
    yield
    emptied()


def content() -> dict[str, list[Any]]:
    with rows.snapshot():
        lines = list(rows.lines())
    found: dict[str, list[Any]] = {}
    for line in lines:
        found.setdefault(line.split(b'"', 2)[1].decode(), []).append(line)
    return found


def run(*arguments: str) -> str:
    out = StringIO()
    call_command(*arguments, stdout=out, stderr=out)
    return out.getvalue()


def test_a_backup_brings_an_empty_system_back_with_every_row_and_object_proven(
    empty_storages: None, tmp_path: Path, settings: Any
) -> None:
    public = locks.make_key(tmp_path / "backup.pem")
    private = f"--private-key={tmp_path / 'backup.pem'}"
    batch = sealed_batch(images=2)
    hospital = batch.fulfillment.hospital_id
    file = SourceFile.objects.filter(batch=batch).first()
    assert file is not None
    key = f"{hospital}/{batch.pk}/{file.pk}"
    sealing.put(hospital, key, SECRET)
    SourceFile.objects.filter(pk=file.pk).update(stored=key)
    record(verb="test.happened", target=batch, data={"share": 0.1, "text": "Ünïcode"})
    folder = tmp_path / "backup"
    said = run("backup", str(folder), f"--public-key={public}", *(f"--copy={alias}" for alias in ALIASES))
    assert "is whole" in said
    kept, objects = content(), {alias: sorted(stored_objects.keys(storages[alias])) for alias in ALIASES}
    email = User.objects.order_by("email").values_list("email", flat=True)[0].encode()
    for path in folder.rglob("*"):
        if path.is_file():
            written = path.read_bytes()
            assert SECRET not in written and email not in written, "a backup is sealed"
            assert base64.b64encode(settings.GETDATA_MASTER_KEY) not in written

    # a system that is in use, or has other keys, is refused
    with pytest.raises(CommandError, match="not empty"):
        run("restore", str(folder), private)
    emptied()
    assert not Image.objects.exists() and not AuditEvent.objects.exists()
    master, settings.GETDATA_MASTER_KEY = settings.GETDATA_MASTER_KEY, b"o" * 32
    with pytest.raises(CommandError, match="other keys"):
        run("restore", str(folder), private)
    settings.GETDATA_MASTER_KEY = master
    keys = tmp_path / "keys.env"
    run("restore", str(folder), private, "--keys-to", str(keys))
    assert f"GETDATA_MASTER_KEY={base64.b64encode(master).decode()}\n" in keys.read_text()
    assert keys.stat().st_mode & 0o077 == 0

    # nobody without the key opens it, and an altered part is named before anything happens
    locks.make_key(tmp_path / "other.pem")
    with pytest.raises(CommandError, match="not the one"):
        run("restore", str(folder), f"--private-key={tmp_path / 'other.pem'}")
    whole = (folder / DATABASE).read_bytes()
    (folder / DATABASE).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CommandError, match=f"{DATABASE} is not the file"):
        run("restore", str(folder), private)
    (folder / DATABASE).write_bytes(whole)
    description = (folder / DESCRIPTION).read_text()
    (folder / DESCRIPTION).write_text(description.replace('"rows"', '"lines"'))
    with pytest.raises(CommandError, match="was altered"):
        run("restore", str(folder), private)
    (folder / DESCRIPTION).write_text(description)
    assert not User.objects.exists()

    said = run("restore", str(folder), private)
    assert "are as they were; the audit log is whole" in said
    back = content()
    assert {label: lines for label, lines in back.items() if label != "audit.AuditEvent"} == {
        label: lines for label, lines in kept.items() if label != "audit.AuditEvent"
    }
    # The backup's own event came after its snapshot; the restore adds one of its own.
    assert back["audit.AuditEvent"][:-1] == kept["audit.AuditEvent"][: len(back["audit.AuditEvent"]) - 1]
    assert AuditEvent.objects.latest("id").verb == "backup.restored"
    assert {alias: sorted(stored_objects.keys(storages[alias])) for alias in ALIASES} == objects
    assert sealing.get(hospital, key) == SECRET
    run("verify_audit")
    # Life goes on: numbers of rows do not collide, times of creation are those of then.
    record(verb="test.goes_on", target=batch)
    assert DatasetRequest.objects.get().created_at == batch.fulfillment.request.created_at

    # a second restore into the same place, with one object spoilt in the backup: the object is named
    emptied()
    spoilt = max((folder / "objects" / "previews").rglob("*"), key=lambda path: (path.is_file(), path.name))
    spoilt.write_bytes(spoilt.read_bytes()[:-1] + b"x")
    with pytest.raises(CommandError, match="1 thing"):
        run("restore", str(folder), private)


def test_what_is_sealed_for_a_public_key_opens_with_the_private_one_alone(tmp_path: Path) -> None:
    public = locks.make_key(tmp_path / "backup.pem")
    assert (tmp_path / "backup.pem").stat().st_mode & 0o077 == 0
    recipient, holder = locks.read_public_key(public), locks.read_private_key(tmp_path / "backup.pem")
    content_key = os.urandom(32)
    lock = recipient.lock(content_key)
    assert holder.unlock(lock) == content_key and content_key.hex() not in str(lock)
    with pytest.raises(locks.LockProblem, match="sealed for a public key"):
        locks.Passphrase(PHRASE).unlock(lock)
    other = locks.make_key(tmp_path / "other.pem")
    with pytest.raises(locks.LockProblem, match="not the one"):
        locks.read_private_key(other.with_suffix("")).unlock(lock)
    with pytest.raises(locks.LockProblem, match="no X25519 private key"):
        locks.read_private_key(public)
    phrase = locks.Passphrase(PHRASE)
    assert phrase.unlock(phrase.lock(content_key)) == content_key
    with pytest.raises(locks.LockProblem, match="shorter than 16"):
        locks.Passphrase("short").lock(content_key)


def test_a_backup_of_a_running_system_is_refused_where_it_would_overwrite_or_lie_open(tmp_path: Path, db: None) -> None:
    with pytest.raises(CommandError, match="A backup is sealed"):
        run("backup", str(tmp_path / "new"))
    phrase = tmp_path / "phrase"
    phrase.write_text(PHRASE)
    with pytest.raises(CommandError, match="exists already"):
        run("backup", str(tmp_path), f"--passphrase-file={phrase}")
    with pytest.raises(CommandError, match="no backup"):
        run("restore", str(tmp_path), f"--passphrase-file={phrase}")
    assert storage.released() is not None and sorted(path.name for path in tmp_path.iterdir()) == ["phrase"]
