"""Every function that opens what may identify a person is listed here, with the event that tells of it. A new one fails."""

from __future__ import annotations

import ast

import pytest

from getdata.accounts.models import Role
from getdata.audit.models import AuditEvent
from tests.factories import ReviewerFactory, member
from tests.fulfillment.uploads.conftest import Scene, Tus
from tests.test_conventions import trees

#: What opens sealed material.
OPENERS = {
    "unseal", "unseal_name", "unseal_names", "unseal_metadata", "name_of", "read_original", "archive_on_disk",
    "open_blocks", "opened_survey", "pseudonym_secret", "as_file",
}  # fmt: skip
#: The same, where the name alone says too little: module -> function of it.
OF_MODULE = {"sealing": {"get", "blocks", "seal_again"}, "Plan": {"opened"}, "label_survey": {"opened"}}

LOOK = "a person's look: names.viewed or original.viewed, by `looks`"
WORKER = "the worker's own; the file's move and its lease are the events"
FACTOR = "no material: the secret of a person's second factor; signing in is the event"
OWN = "the person's own step over their own import or upload, which records it"
INSIDE = "the opening itself; whoever calls it is listed"
KEYS = "keys, not material; rotation records itself"
#: module:function -> what tells of it.
READS = {
    "getdata/accounts/adapter.py:decrypt": FACTOR,
    "fulfillment/api/uploads.py:head": LOOK,
    "fulfillment/api/uploads.py:_upload_document": LOOK,
    "fulfillment/services/file_lists.py:file_rows": LOOK,
    "fulfillment/views/withheld.py:withheld_picture": LOOK,
    "fulfillment/services/before_pictures.py:picture_of": LOOK,
    "fulfillment/services/before_pictures.py:draw_original": WORKER,
    "fulfillment/withheld.py:_tiles": "names.viewed, by the one page that shows tiles (batch_withheld)",
    "fulfillment/views/label_imports.py:_context": "names.viewed, by _page, through which each of these pages goes",
    "fulfillment/views/label_imports.py:_upload_page": "names.viewed, by _page, through which each of these pages goes",
    "fulfillment/views/label_imports.py:label_import_mapping": "names.viewed, by _page",
    "fulfillment/views/label_imports.py:label_import_preview": "names.viewed, by _page",
    "fulfillment/views/label_imports.py:label_import_problems": LOOK,
    "fulfillment/views/label_imports.py:label_import_again": OWN,
    "fulfillment/services/label_imports.py:_read": WORKER,
    "fulfillment/services/label_imports.py:_remembered": WORKER,
    "fulfillment/services/label_imports.py:confirm_import": OWN,
    "fulfillment/services/label_imports.py:map_import": OWN,
    "fulfillment/uploads/transfers.py:_enter_ledger": OWN,
    "fulfillment/uploads/names.py:unseal_name": INSIDE,
    "fulfillment/uploads/names.py:unseal_names": INSIDE,
    "fulfillment/uploads/names.py:unseal_metadata": INSIDE,
    "fulfillment/intake/originals.py:name_of": INSIDE,
    "fulfillment/intake/originals.py:read_original": INSIDE,
    "fulfillment/intake/originals.py:archive_on_disk": INSIDE,
    "fulfillment/intake/originals.py:pseudonym_secret": INSIDE,
}
#: Folders and modules of the worker alone: the pipeline's stages and what they call.
WORKERS = (
    "fulfillment/intake/",
    "fulfillment/pipeline.py",
    "fulfillment/services/certificates.py",
    "fulfillment/store.py",
)
#: Where keys are kept and rotated, and the crypto itself.
KEEPERS = (
    "getdata/common/", "getdata/trust/", "fulfillment/intake/sealing.py", "fulfillment/services/key_rotation.py",
    "fulfillment/services/kept_evidence.py", "getdata/webhooks/outgoing.py", "getdata/accounts/sealed_factors.py",
)  # fmt: skip


def found() -> set[str]:
    places = set()
    for path, tree in trees():
        if path.startswith(KEEPERS) or path.startswith(("deid/", "fulfillment/kit/")):
            continue
        for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
            for node in ast.walk(function):
                if isinstance(node, ast.Call) and _opens(node.func):
                    places.add(f"{path}:{function.name}")
    return places


def _opens(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in OPENERS or called.id == "opened"
    if isinstance(called, ast.Attribute):
        owner = called.value.id if isinstance(called.value, ast.Name) else ""
        return called.attr in OPENERS or called.attr in OF_MODULE.get(owner, set())
    return False


def test_a_read_that_is_said_to_be_a_look_calls_it() -> None:
    looking = {
        f"{path}:{node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef)
        and any(
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and isinstance(call.func.value, ast.Name)
            and call.func.value.id == "looks"
            for call in ast.walk(node)
        )
    }
    assert {place for place, tells in READS.items() if tells is LOOK} <= looking
    assert {"fulfillment/views/withheld.py:batch_withheld", "fulfillment/views/label_imports.py:_page"} <= looking


@pytest.mark.django_db
def test_a_look_at_names_is_an_event_once_in_a_quarter_hour_and_none_for_whoever_sees_none(
    scene: Scene, tus: Tus, client: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    from django.test import Client

    assert isinstance(client, Client)
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    tus.send("MUELLER_HANS.dcm", b"\0" * 128 + b"DICM")
    before = AuditEvent.objects.filter(verb="names.viewed").count()
    page = f"/batches/{scene.batch.pk}/"
    officer = member(scene.batch.fulfillment.hospital, Role.PRIVACY_OFFICER)
    for person, sees in ((officer, True), (officer, True), (ReviewerFactory.create(), False)):
        client.force_login(person)
        assert ("MUELLER" in client.get(page).content.decode()) == sees
    events = AuditEvent.objects.filter(verb="names.viewed").order_by("id")[before:]
    assert [(event.actor_id, event.target_id) for event in events] == [(str(officer.pk), str(scene.batch.pk))]
    assert "MUELLER" not in str([event.data for event in events])
