"""Restoring a backup into an empty system, and proving that what is there now is what was there then."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.core.files.base import File
from django.core.files.storage import storages

from deid.proof.signature import fingerprint
from getdata.audit.chain import record
from getdata.common import storage, stored_objects
from getdata.common.envelope import BlockReader
from getdata.trust import anchors
from getdata.trust.backup import rows
from getdata.trust.backup.folder import (
    DATABASE,
    DESCRIPTION,
    FORMAT,
    KEYS,
    OBJECTS,
    Damaged,
    Sealer,
    check_parts,
    in_lines,
    object_part,
)
from getdata.trust.backup.locks import Holder, Passphrase
from getdata.trust.backup.making import present_keys
from getdata.trust.backup.rows import CannotRestore
from getdata.trust.models import AuditAnchor
from getdata.trust.signing import verified

Tell = Callable[[str], None]
#: What must be the same here as there, or nothing sealed would open and no signature would be ours.
_NEEDED = ("GETDATA_MASTER_KEY", "GETDATA_OLD_MASTER_KEYS", "GETDATA_SIGNING_KEY")


@dataclass
class Outcome:
    """``problems`` are in words and name the place; ``absent`` are objects that the backup was made without, by storage."""

    rows: int = 0
    objects: int = 0
    problems: list[str] = field(default_factory=list)
    absent: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Backup:
    """An opened backup."""

    folder: Path
    description: dict[str, Any]
    sealer: Sealer

    def keys(self) -> dict[str, str]:
        """The secrets of the portal that was backed up."""
        found: dict[str, str] = json.loads(b"".join(self.sealer.read(self.folder, KEYS)))
        return found

    def objects(self) -> Iterator[tuple[str, str, int, str, bool]]:
        for line in in_lines(self.sealer.read(self.folder, OBJECTS)):
            alias, key, size, digest, copied = json.loads(line)
            yield alias, key, size, digest, copied


def opened(folder: Path, holder: Passphrase | Holder) -> Backup:
    """Open a backup and hold its parts against its description. Raises ``Damaged`` or ``LockProblem``."""
    try:
        text = (folder / DESCRIPTION).read_text()
        signer = json.loads(text)["signature"]["public_key"]
        description = verified(
            text, keys=[bytes.fromhex(signer)]
        )  # whose key it is, is said after the database is back
    except FileNotFoundError:
        raise Damaged(f"{DESCRIPTION} is not in this folder: it is no backup, or one that was not finished") from None
    except (ValueError, KeyError, TypeError):
        raise Damaged(f"{DESCRIPTION} was altered: its signature does not fit") from None
    if description.get("format") != FORMAT:
        raise Damaged(f"{DESCRIPTION} is of another format than {FORMAT}")
    sealer = Sealer(description["id"], holder.unlock(description["lock"]))
    check_parts(folder, description["parts"])
    return Backup(folder, description | {"signer": signer}, sealer)


def restore(backup: Backup, *, tell: Tell = lambda _: None) -> Outcome:
    """Put everything back and verify it. Raises ``CannotRestore`` or ``Damaged`` before anything is kept."""
    keys, here = backup.keys(), present_keys()
    if any(keys.get(name, "") != here[name] for name in _NEEDED):
        raise CannotRestore(
            "This system has other keys than the one that was backed up. Take them out of the backup with --keys-to FILE, "
            "start this system with them (they are lines for the environment), and restore then."
        )
    rows.require_empty()
    missing = sorted(set(backup.description["migrations"]) ^ set(rows.migrations()))
    if missing:
        raise CannotRestore(
            f"This system's database is at another state than the backup's (first difference: {missing[0]}). "
            f"Run manage.py migrate with the version that made the backup ({backup.description['version']}), then upgrade."
        )
    counts = rows.load(in_lines(backup.sealer.read(backup.folder, DATABASE)))
    outcome = Outcome(rows=sum(counts.values()))
    tell(f"Database: {outcome.rows:,} rows.")
    said = backup.description["rows"]
    outcome.problems += [
        f"{label}: {counts[label]} rows came back, {said.get(label, 0)} went in"
        for label in sorted(set(counts) | set(said))
        if counts[label] != said.get(label, 0)
    ]
    _restore_objects(backup, outcome, tell)
    _verify(backup, outcome)
    record(
        verb="backup.restored",
        target=AuditAnchor.objects.latest("number"),  # each backup begins with an anchor
        data={"backup": backup.description["id"], "rows": outcome.rows, "problems": len(outcome.problems)},
    )
    return outcome


def _restore_objects(backup: Backup, outcome: Outcome, tell: Tell) -> None:
    for alias, key, size, digest, copied in backup.objects():
        store = storages[alias]
        if copied:
            part = object_part(alias, key)
            blocks = backup.sealer.read(backup.folder, part, squeezed=False)
            try:
                store.save(key, File(BlockReader(blocks), name=key))  # type: ignore[arg-type]  # all a storage does is read it
            except Damaged as damage:
                outcome.problems.append(f"{alias}/{key}: {damage}")
                continue
        elif not storage.persist(lambda store=store, key=key: store.exists(key)):  # type: ignore[misc]
            outcome.absent[alias] = outcome.absent.get(alias, 0) + 1
            continue
        found = stored_objects.sha256(store, key)
        if found != (digest, size):
            outcome.problems.append(f"{alias}/{key}: the object is not the one that was backed up")
        outcome.objects += 1
        if outcome.objects % 1000 == 0:
            tell(f"{outcome.objects:,} objects so far.")


def _verify(backup: Backup, outcome: Outcome) -> None:
    verdict = anchors.check()
    outcome.problems += [f"audit event {found.event_id}: {found.problem}" for found in verdict.breaks]
    released_here = backup.description["storages"]["released"]["copied"]
    outcome.problems += [
        f"{found.anchor}: {found.problem}"
        for found in verdict.disagreements
        if released_here or not found.anchor.startswith("file ")  # the anchors' files lie among what was not copied
    ]
    if verdict.head != backup.description["audit"]["head"]:
        outcome.problems.append("the audit log ends with another event than it did when the backup was made")
    try:
        verified((backup.folder / DESCRIPTION).read_text())
    except ValueError:
        signer = fingerprint(bytes.fromhex(backup.description["signer"]))
        outcome.problems.append(f"{DESCRIPTION} is signed by a key that is none of this portal's ({signer[:16]}…)")
