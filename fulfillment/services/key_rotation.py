"""Rotating keys while everything runs: sealing keys of hospitals with their objects, and the wrapping of pseudonym secrets.

Everything here can be stopped at any place and begun again: what is done already is seen from the objects and rows themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from typing import Any

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from fulfillment.intake import sealing
from fulfillment.models import SealingKey
from fulfillment.sealed_things import PSEUDONYM, at_rest, named_by_a_row
from getdata.accounts.models import Organization
from getdata.audit.chain import record
from getdata.common import crypto, storage, stored_objects
from getdata.common.sealed_columns import Counts, others, registered, seal_anew
from getdata.trust import digest_root
from getdata.trust.models import KeyRoot

Tell = Callable[[str], None]
#: Originals that are destroyed within this time are left alone, so that none is written back after its destruction.
_DUE_SOON = timedelta(hours=2)
#: A worker may have taken the key before this one and still be writing under it.
SETTLING = timedelta(hours=1)
_AT_ONCE = 200


@dataclass
class Resealed:
    """Objects of one hospital by what became of them.

    ``waiting``: worked on, or about to be destroyed; ``orphans``: named by no row.
    """

    key: SealingKey
    anew: int = 0
    already: int = 0
    waiting: int = 0
    orphans: int = 0
    unopened: int = 0
    retired: int = 0


def hospitals() -> Iterable[Organization]:
    """The organizations that have a sealing key."""
    return Organization.objects.filter(pk__in=SealingKey.objects.values("organization")).order_by("slug")


def rotate_storage_key(*, hospital: Organization, tell: Tell = lambda _: None, now: datetime | None = None) -> Resealed:
    """Give the hospital a new key, seal its objects anew under it, and retire the keys that nothing is sealed under.

    A rotation that was not finished is gone on with: then no new key is made.
    """
    now = now or timezone.now()
    held = SealingKey.objects.filter(organization=hospital, retired_at=None).order_by("number")
    newest = held.last()
    if newest is None or held.count() == 1:
        highest = SealingKey.objects.filter(organization=hospital).aggregate(highest=Max("number"))["highest"] or 0
        newest = sealing.new_key(hospital.pk, highest + 1)
    done = Resealed(newest)
    still_named: set[str] = set()
    for keys in _pages(stored_objects.keys(storage.quarantine(), str(hospital.pk))):
        known = named_by_a_row(keys)
        for key in keys:
            ident = _reseal(hospital, key, newest, done, known=key in known, now=now)
            if ident is not None:
                still_named.add(ident)
        tell(f"{hospital.slug}: {done.anew + done.already:,} objects are under key {newest.ident}.")
    if now - newest.created_at >= SETTLING:
        done.retired = _retire(hospital, newest, still_named, now)
    return done


def rewrap_pseudonym_keys() -> Counts:
    """Seal every pseudonym secret anew under the present master key. The secrets, and so all pseudonyms, stay as they are."""
    counts = seal_anew(PSEUDONYM, always=True)
    _note("pseudonymkeys.rewrapped", counts.anew)
    return counts


def rotate_master_key(*, tell: Tell = lambda _: None) -> Counts:
    """Seal under the present master key whatever an older one sealed: every registered column, and old objects.

    Afterwards the older keys open nothing that is kept, and may be taken out of the environment if nothing was ``changed`` or
    ``unopened``.
    """
    digest_root.keep()
    total = Counts()
    work: dict[str, Callable[[], Counts]] = {
        f"{column.model}.{column.column}": partial(seal_anew, column) for column in registered()
    }
    for name, seal_them_anew in (work | others()).items():
        counts = seal_them_anew()
        tell(f"{name}: {counts.anew:,} sealed anew, {counts.already:,} were already.")
        for became in ("anew", "already", "changed", "unopened"):
            setattr(total, became, getattr(total, became) + getattr(counts, became))
    for hospital in hospitals():
        for key in _before_envelopes(hospital):
            try:
                sealing.seal_again(hospital.pk, key)
                total.anew += 1
            except FileNotFoundError:
                continue
            except crypto.CannotOpen:
                total.unopened += 1
    _note("masterkey.rotated", total.anew)
    return total


def _reseal(
    hospital: Organization, key: str, newest: SealingKey, done: Resealed, *, known: bool, now: datetime
) -> str | None:
    """One object. Returns the ident that it is still sealed under, or None where that is the newest or it is gone."""
    try:
        ident = sealing.key_of(key)
        if ident == newest.ident:
            done.already += 1
            return None
        if not known:
            done.orphans += 1
            return ident
        if not at_rest(key, until=now + _DUE_SOON):
            done.waiting += 1
            return ident
        sealing.seal_again(hospital.pk, key)
    except FileNotFoundError:
        return None  # destroyed or taken up meanwhile
    except crypto.CannotOpen:
        done.unopened += 1
        return ""
    if not named_by_a_row([key]):  # a person had it destroyed while we sealed it: it must not come back
        storage.persist(lambda: storage.quarantine().delete(key))
        return None
    done.anew += 1
    return None


def _retire(hospital: Organization, newest: SealingKey, still_named: set[str], now: datetime) -> int:
    """Destroy the secrets of older keys that no object names: copies of objects that lie elsewhere open no more."""
    if "" in still_named:
        return 0
    retired = 0
    older = SealingKey.objects.filter(organization=hospital, retired_at=None, number__lt=newest.number)
    for key in older.exclude(ident__in=still_named):
        with transaction.atomic():
            if SealingKey.objects.filter(pk=key.pk, retired_at=None).update(retired_at=now, sealed_secret=b""):
                record(
                    verb="sealingkey.retired",
                    target=key,
                    organization_id=hospital.pk,
                    data={"number": key.number, "ident": key.ident},
                )
                retired += 1
    return retired


def _before_envelopes(hospital: Organization) -> Iterator[str]:
    """Objects that were sealed under a key derived from the master key itself, and that some row names."""
    for keys in _pages(stored_objects.keys(storage.quarantine(), str(hospital.pk))):
        for key in named_by_a_row(keys):
            try:
                if not sealing.key_of(key):
                    yield key
            except FileNotFoundError:
                continue


def _pages(keys: Iterator[str]) -> Iterator[list[str]]:
    while page := list(islice(keys, _AT_ONCE)):
        yield page


def _note(verb: str, count: int) -> None:
    digest_root.keep()
    target: Any = KeyRoot.objects.get(kind=KeyRoot.Kind.DIGESTS)
    record(verb=verb, target=target, data={"anew": count})
