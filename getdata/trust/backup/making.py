"""Making a backup while the portal runs."""

from __future__ import annotations

import base64
import json
import secrets
import shutil
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from datetime import UTC
from importlib.metadata import version
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.files.storage import storages
from django.utils import timezone

from getdata.audit.chain import GENESIS, record
from getdata.audit.models import AuditEvent
from getdata.common import stored_objects
from getdata.trust import anchors
from getdata.trust.backup import rows
from getdata.trust.backup.folder import DATABASE, DESCRIPTION, FORMAT, KEYS, OBJECTS, Sealer, object_part
from getdata.trust.backup.locks import Passphrase, Recipient
from getdata.trust.signing import signed

ALIASES = ("quarantine", "released", "previews")
Tell = Callable[[str], None]


def make(
    *, into: Path, lock: Passphrase | Recipient, copy: Collection[str] = (), tell: Tell = lambda _: None
) -> dict[str, Any]:
    """Write a backup as a new folder and return its description.

    ``copy`` names the storages whose objects go into it; of the others it holds the manifest. The database is read in one snapshot,
    the objects after it: they never change, so one that came meanwhile does no harm. Raises ``LockProblem``, ``FileExistsError`` or
    ``OSError``.
    """
    if into.exists():
        raise FileExistsError(into.name)
    ident, content_key = secrets.token_hex(8), secrets.token_bytes(32)
    locked, sealer = lock.lock(content_key), Sealer(ident, content_key)
    part = into.with_name(f".{into.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True, mode=0o700)
    head = anchors.anchor()  # what this backup holds can be proven later, and there is a row to say so about
    try:
        counts: Counter[str] = Counter()
        with rows.snapshot():
            last = AuditEvent.objects.order_by("-id").first()
            audit = {"events": AuditEvent.objects.count(), "head": last.hash if last else GENESIS}
            database = sealer.write(part, DATABASE, _counted(rows.lines(), counts, tell))
            applied = rows.migrations()
        tell(f"Database: {sum(counts.values()):,} rows.")
        keys = sealer.write(part, KEYS, [json.dumps(present_keys()).encode()])
        held: dict[str, dict[str, Any]] = {
            alias: {"objects": 0, "bytes": 0, "copied": alias in copy} for alias in ALIASES
        }
        objects = sealer.write(part, OBJECTS, _objects(sealer, part, held, tell))
        description = {
            "format": FORMAT,
            "id": ident,
            "at": timezone.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "issuer": settings.PUBLIC_URL,
            "version": version("getdata"),
            "lock": locked,
            "migrations": applied,
            "rows": dict(sorted(counts.items())),
            "audit": audit,
            "parts": {DATABASE: database, KEYS: keys, OBJECTS: objects},
            "storages": held,
        }
        (part / DESCRIPTION).write_text(signed(description))
        part.rename(into)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise
    copied = [alias for alias, said in held.items() if said["copied"]]
    record(
        verb="backup.made",
        target=head,
        data={"backup": ident, "rows": sum(counts.values()), "copied": copied, "lock": locked["kind"]},
    )
    return description


def present_keys() -> dict[str, Any]:
    """The secrets of this portal, as the environment spells them."""
    return {
        "GETDATA_MASTER_KEY": base64.b64encode(settings.GETDATA_MASTER_KEY).decode(),
        "GETDATA_OLD_MASTER_KEYS": ",".join(base64.b64encode(key).decode() for key in settings.GETDATA_OLD_MASTER_KEYS),
        "GETDATA_SIGNING_KEY": base64.b64encode(settings.GETDATA_SIGNING_KEY).decode(),
        "SECRET_KEY": settings.SECRET_KEY,
    }


def _counted(source: Iterator[bytes], counts: Counter[str], tell: Tell) -> Iterator[bytes]:
    done = 0
    for line in source:
        label, rest = line[2:].split(b'"', 1)
        if rest.startswith(b",["):
            counts[label.decode()] += 1
            done += 1
            if done % 100_000 == 0:
                tell(f"Database: {done:,} rows so far.")
        yield line


def _objects(sealer: Sealer, part: Path, held: dict[str, dict[str, Any]], tell: Tell) -> Iterator[bytes]:
    """A line for each stored object; the object itself goes into the backup where that was asked for."""
    for alias, counted in held.items():
        store = storages[alias]
        for key in stored_objects.keys(store):
            try:
                if counted["copied"]:
                    content = stored_objects.blocks(store, key)
                    sealer.write(part, object_part(alias, key), content, squeeze=False)
                digest, size = stored_objects.sha256(store, key)
            except FileNotFoundError:
                (part / object_part(alias, key)).unlink(missing_ok=True)
                continue  # destroyed on schedule, or replaced, while we were reading
            counted["objects"] += 1
            counted["bytes"] += size
            if counted["objects"] % 1000 == 0:
                tell(f"{alias}: {counted['objects']:,} objects so far.")
            yield json.dumps([alias, key, size, digest, counted["copied"]]).encode() + b"\n"
        tell(f"{alias}: {counted['objects']:,} objects{'' if counted['copied'] else ', not copied'}.")
