"""Keys are rotated while everything runs: what was sealed opens, what was signed verifies, pseudonyms and fingerprints stay."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO
from itertools import pairwise
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import models
from django.test import Client
from django.utils import timezone

from deid.proof.canonical import canonical
from deid.proof.signature import fingerprint, is_signed_by
from fulfillment.intake import originals, sealing
from fulfillment.models import PseudonymKey, SealingKey, SourceFile
from fulfillment.services import key_rotation
from fulfillment.services.certificates import signing_key
from fulfillment.services.orphans import sweep_orphans
from fulfillment.uploads import names
from getdata.accounts.adapter import SecondFactorAdapter
from getdata.audit.models import AuditEvent
from getdata.common import crypto, sealed_columns, storage
from getdata.trust import digest_root, signing
from getdata.trust.models import KeyRoot
from tests.support.images import sealed_batch, source_file

pytestmark = pytest.mark.django_db
NEW, NEWER = b"n" * 32, b"o" * 32


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("rotate_keys", *arguments, stdout=out, stderr=out)
    return out.getvalue()


def stored_file(content: bytes, name: str) -> SourceFile:
    """An original in quarantine, with a sealed name."""
    batch = sealed_batch(images=0)
    file = source_file(batch)
    key = f"{batch.fulfillment.hospital_id}/{batch.pk}/{file.pk}"
    sealing.put(batch.fulfillment.hospital_id, key, content)
    SourceFile.objects.filter(pk=file.pk).update(
        stored=key, sealed_name=names.seal_name(batch, name), name_digest=names.name_digest(batch, name)
    )
    PseudonymKey.objects.create(
        hospital_id=batch.fulfillment.hospital_id,
        request_id=batch.fulfillment.request_id,
        sealed_secret=crypto.seal(b"p" * 32, scope=sealing.pseudonym_scope(batch.fulfillment.hospital_id)),
    )
    return SourceFile.objects.select_related("batch__fulfillment").get(pk=file.pk)


def opens(file: SourceFile, content: bytes, name: str) -> None:
    file = SourceFile.objects.select_related("batch__fulfillment").get(pk=file.pk)
    assert originals.read_original(file) == content
    assert originals.name_of(file) == name
    assert names.name_digest(file.batch, name) == file.name_digest, "a file sent again is recognised"
    assert originals.pseudonym_secret(file.batch)[0] == b"p" * 32, "pseudonyms stay"


def test_every_sealed_column_is_registered() -> None:
    """A new one that nobody registered would be lost with the old master key."""
    binary = {
        (model._meta.label, field.attname)
        for model in apps.get_models()
        for field in model._meta.local_concrete_fields
        if isinstance(field, models.BinaryField)
    }
    known = {(column.model, column.column) for column in sealed_columns.registered()}
    fingerprints = {found for found in binary if found[1] == "hashes"}  # of de-identified pictures, kept in the clear
    assert binary - fingerprints == known


def test_a_change_of_the_master_key_loses_nothing_and_can_be_stopped_and_repeated(settings: Any) -> None:
    file = stored_file(b"bytes", "PLANTED/one.dcm")
    old_style = stored_file(b"older", "PLANTED/two.dcm")  # sealed before there were envelopes
    hospital = old_style.batch.fulfillment.hospital_id
    storage.put(storage.quarantine(), old_style.stored, crypto.seal(b"older", scope=sealing.scope_of(hospital)))
    signing.rotate()
    factor = Authenticator.objects.create(
        user=file.batch.created_by,
        type="recovery_codes",
        data={"secret": SecondFactorAdapter().encrypt("JBSWY3DP"), "n": [1]},
    )
    first, old = signing_key().public, settings.GETDATA_MASTER_KEY
    with pytest.raises(CommandError, match="no older master key"):
        run("master")

    settings.GETDATA_MASTER_KEY, settings.GETDATA_OLD_MASTER_KEYS = NEW, [old]
    opens(file, b"bytes", "PLANTED/one.dcm")
    fresh = crypto.seal(b"x", scope="s")
    # stopped after the first column, and begun again
    digest_root.keep()
    sealed_columns.seal_anew(sealed_columns.registered()[0])
    said = run("master")
    assert "Take GETDATA_OLD_MASTER_KEYS out" in said
    again = key_rotation.rotate_master_key()
    assert (again.anew, again.changed, again.unopened) == (0, 0, 0) and again.already > 5

    settings.GETDATA_OLD_MASTER_KEYS = []
    opens(file, b"bytes", "PLANTED/one.dcm")
    opens(old_style, b"older", "PLANTED/two.dcm")
    assert crypto.unseal(fresh, scope="s") == b"x"
    assert signing_key().public == first
    factor.refresh_from_db()
    assert SecondFactorAdapter().decrypt(factor.data["secret"]) == "JBSWY3DP" and factor.data["n"] == [1]
    # and once more: the root of fingerprints moves along
    settings.GETDATA_MASTER_KEY, settings.GETDATA_OLD_MASTER_KEYS = NEWER, [NEW]
    run("master")
    settings.GETDATA_OLD_MASTER_KEYS = []
    opens(file, b"bytes", "PLANTED/one.dcm")
    settings.GETDATA_MASTER_KEY = old
    with pytest.raises(crypto.CannotOpen):
        originals.name_of(SourceFile.objects.get(pk=file.pk))
    assert KeyRoot.objects.count() == 1
    assert AuditEvent.objects.filter(verb="masterkey.rotated").count() == 3


def test_a_value_that_no_key_opens_is_said_and_the_old_key_is_not_given_up(settings: Any) -> None:
    file = stored_file(b"bytes", "PLANTED.dcm")
    SourceFile.objects.filter(pk=file.pk).update(sealed_name=b"GD1" + b"\0" * 60)
    settings.GETDATA_OLD_MASTER_KEYS = [settings.GETDATA_MASTER_KEY]
    settings.GETDATA_MASTER_KEY = NEW
    with pytest.raises(CommandError, match="1 value"):
        run("master")


def test_a_row_that_a_worker_writes_meanwhile_keeps_what_the_worker_wrote(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = stored_file(b"bytes", "before.dcm")
    settings.GETDATA_OLD_MASTER_KEYS, settings.GETDATA_MASTER_KEY = [settings.GETDATA_MASTER_KEY], NEW
    theirs = names.seal_name(file.batch, "after.dcm")
    honest = crypto.resealed

    def slow(sealed: bytes, *, scope: str) -> bytes | None:
        SourceFile.objects.filter(pk=file.pk).update(sealed_name=theirs)
        return honest(sealed, scope=scope)

    monkeypatch.setattr(crypto, "resealed", slow)
    column = next(found for found in sealed_columns.registered() if found.model == "fulfillment.SourceFile")
    assert sealed_columns.seal_anew(column).changed == 1
    assert bytes(SourceFile.objects.get(pk=file.pk).sealed_name) == theirs


def test_originals_are_sealed_anew_under_a_new_key_and_the_old_one_is_destroyed_when_nothing_names_it() -> None:
    file = stored_file(b"bytes", "a.dcm")
    busy = source_file(file.batch, status="processing")
    hospital = file.batch.fulfillment.hospital
    key = f"{hospital.pk}/{file.batch_id}/{busy.pk}"
    sealing.put(hospital.pk, key, b"busy")
    SourceFile.objects.filter(pk=busy.pk).update(stored=key)
    old = SealingKey.objects.get(organization=hospital)
    before = sealing.key_of(file.stored), storage.get(storage.quarantine(), file.stored)

    said = run("storage", f"--hospital={hospital.slug}")
    assert "1 are worked on" in said
    new = SealingKey.objects.get(organization=hospital, number=2)
    assert (before[0], sealing.key_of(file.stored), sealing.key_of(key)) == (old.ident, new.ident, old.ident)
    assert storage.get(storage.quarantine(), file.stored) != before[1], "a data key of its own, too"
    assert sealing.get(hospital.pk, file.stored) == b"bytes" and sealing.get(hospital.pk, key) == b"busy"

    # The file settles; a rotation under way is finished, not begun again; the old key goes only after workers had time.
    SourceFile.objects.filter(pk=busy.pk).update(status="passed")
    assert "in an hour" in run("storage", f"--hospital={hospital.slug}")
    assert SealingKey.objects.filter(organization=hospital, retired_at=None).count() == 2
    done = key_rotation.rotate_storage_key(hospital=hospital, now=timezone.now() + key_rotation.SETTLING)
    assert (done.key, done.already, done.retired) == (new, 2, 1)
    old.refresh_from_db()
    assert bytes(old.sealed_secret) == b"" and old.retired_at is not None
    assert sealing.get(hospital.pk, key) == b"busy"
    storage.put(storage.quarantine(), file.stored, before[1])  # a copy from before, from wherever it was kept
    with pytest.raises(crypto.CannotOpen):
        sealing.get(hospital.pk, file.stored)
    assert AuditEvent.objects.filter(verb="sealingkey.retired", organization_id=str(hospital.pk)).count() == 1


def test_an_original_destroyed_while_it_is_sealed_anew_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored_file(b"bytes", "a.dcm")

    def slow(hospital_id: Any, key: str) -> None:
        content = sealing.get(hospital_id, key)
        storage.quarantine().delete(key)  # as the sweeper does, while we hold the content in memory
        SourceFile.objects.filter(pk=file.pk).update(stored="")
        sealing.put(hospital_id, key, content)

    monkeypatch.setattr(sealing, "seal_again", slow)
    key_rotation.rotate_storage_key(hospital=file.batch.fulfillment.hospital)
    assert not storage.quarantine().exists(file.stored)


def test_signatures_of_an_older_key_stay_verifiable_and_the_newer_one_is_vouched_for(client: Client) -> None:
    before = signing_key()
    signed = signing.signed({"format": "test/1", "said": "before"})
    assert signing.verified(signed) == {"format": "test/1", "said": "before"}
    said = run("signing")
    after = signing_key()
    assert after.public != before.public and fingerprint(after.public) in said
    assert signing.verified(signed)["said"] == "before"
    assert signing.verified(signing.signed({"said": "after"}))["said"] == "after"
    run("signing")
    keys = client.get("/certificates/public-keys.json").json()["keys"]
    assert [key["fingerprint"] for key in keys] == [
        fingerprint(before.public),
        fingerprint(after.public),
        fingerprint(signing_key().public),
    ]
    assert [bool(key["retired_at"]) for key in keys] == [True, True, False]
    for older, newer in pairwise(keys):
        handover = newer["handover"]
        block = handover.pop("signature")
        assert handover["follows"] == older["fingerprint"] and handover["public_key"] == newer["public_key"]
        assert is_signed_by(bytes.fromhex(older["public_key"]), canonical(handover), bytes.fromhex(block["value"]))
    forged = json.loads(signed)
    forged["said"] = "something else"
    with pytest.raises(ValueError, match="altered"):
        signing.verified(json.dumps(forged))
    assert client.get("/certificates/public-key.pem").content == signing_key().public_pem()


def test_pseudonym_secrets_are_wrapped_anew_and_stay(settings: Any) -> None:
    file = stored_file(b"bytes", "a.dcm")
    before = bytes(PseudonymKey.objects.get().sealed_secret)
    assert "1 sealed anew" in run("pseudonym")
    assert bytes(PseudonymKey.objects.get().sealed_secret) != before
    opens(file, b"bytes", "a.dcm")


def test_a_sealed_object_that_no_row_names_is_destroyed_after_its_time_with_an_event(settings: Any) -> None:
    file = stored_file(b"bytes", "a.dcm")
    hospital = file.batch.fulfillment.hospital
    orphan = f"{hospital.pk}/{file.batch_id}/left-behind"
    sealing.put(hospital.pk, orphan, b"somebody's")
    sealing.put(hospital.pk, f"{file.stored}.picture", b"drawn")
    now = timezone.now()
    assert sweep_orphans(now=now + timedelta(hours=settings.ORPHAN_HOURS - 1)) == 0
    assert storage.quarantine().exists(orphan)
    late = now + timedelta(hours=settings.ORPHAN_HOURS + 1)
    assert sweep_orphans(now=late) >= 1
    assert not storage.quarantine().exists(orphan)
    assert storage.quarantine().exists(file.stored) and storage.quarantine().exists(f"{file.stored}.picture")
    event = AuditEvent.objects.get(verb="original.orphan_destroyed", organization_id=str(hospital.pk))
    assert event.data["object"] == orphan
    assert sweep_orphans(now=late) == 0
