"""A hospital takes its part of the audit log away: all of its own, nothing of others', each event proven without the portal."""

from __future__ import annotations

import csv
import json
from typing import Any

import pytest
from django.test import Client
from rest_framework.test import APIClient

from deid.proof.canonical import merkle_root
from deid.proof.log_export import Tree, check_export, follow_path
from getdata.accounts.models import Role
from getdata.accounts.tokens import make_token
from getdata.audit.chain import record
from getdata.audit.models import AuditEvent
from getdata.trust import anchors
from getdata.trust.signing import signing_key
from tests.factories import AdministratorFactory, HospitalFactory, member

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("count", [0, 1, 2, 3, 7, 8, 13])
def test_a_path_leads_every_leaf_to_the_root_that_the_certificates_tree_has_too(count: int) -> None:
    leaves = [f"{number:064x}" for number in range(count)]
    tree = Tree(leaves)
    assert tree.root == merkle_root(leaves)
    assert {follow_path(leaf, tree.path(index)) for index, leaf in enumerate(leaves)} <= {tree.root}
    if count > 1:
        assert follow_path("f" * 64, tree.path(0)) != tree.root


def test_an_export_holds_all_of_its_own_and_nothing_of_others_and_any_change_of_it_shows(client: Client) -> None:
    mine, theirs = HospitalFactory.create(), HospitalFactory.create()
    officer, administrator = member(mine, Role.PRIVACY_OFFICER), AdministratorFactory.create()
    for number in range(7):
        record(
            verb="test.happened",
            target=mine,
            actor=administrator,
            organization_id=mine.pk,
            data={"n": number, "x": 0.1},
        )
        record(verb="test.secret", target=theirs, organization_id=theirs.pk, data={"n": number})
        if number in (1, 4):
            anchors.anchor()
    record(verb="test.happened", target=mine, organization_id=mine.pk, data={"text": '=HYPERLINK("x")'})
    place = f"/organizations/{mine.slug}/audit"
    client.force_login(officer)
    raw = client.get(f"{place}.json").content
    public = [signing_key().public]
    assert check_export(raw, public) == []
    document = json.loads(raw)
    own = AuditEvent.objects.filter(organization_id=str(mine.pk))
    assert [event["id"] for event in document["events"]] == list(own.order_by("id").values_list("id", flat=True))
    assert str(theirs.pk) not in raw.decode() and "test.secret" not in raw.decode()
    assert {event["actor_id"] for event in document["events"]} >= {str(administrator.pk)}, "administrators are in it"
    proven = [event["proof"] is not None for event in document["events"]]
    assert proven == [True] * 5 + [False] * 4 and document["events"][-1]["verb"] == "audit.exported"

    def changed(act: Any) -> list[str]:
        copy = json.loads(raw)
        act(copy)
        return check_export(json.dumps(copy).encode(), public)

    first = document["events"][0]
    assert changed(lambda d: d["events"][0]["data"].update(n=99)) == [
        f"event {first['id']}: its content does not match its hash: it was altered"
    ]
    assert "removed, inserted or reordered" in changed(lambda d: d["events"].pop(3))[0]
    assert "signature does not fit" in changed(lambda d: d["anchors"][0].update(tree="0" * 64))[0]
    assert "is not in the log" in changed(lambda d: d["events"][0]["proof"]["path"].pop())[0]
    assert "anchor that it is proven by" in changed(lambda d: d["anchors"].pop(0))[0]
    assert "another key" in check_export(raw, [b"k" * 32])[0]
    assert check_export(b"[]") == check_export(b"\xff") == check_export(b"{}") != []

    rows = list(csv.DictReader(b"".join(client.get(f"{place}.csv").streaming_content).decode().splitlines()))  # type: ignore[attr-defined]
    assert [row["verb"] for row in rows][-2:] == ["audit.exported", "audit.exported"]
    assert [int(row["id"]) for row in rows] == list(own.order_by("id").values_list("id", flat=True))
    _, secret = make_token(user=officer, name="export", scopes=["account:read"])
    spoken = APIClient(headers={"Authorization": f"Bearer {secret}"})
    api = f"/api/v1/organizations/{mine.slug}/audit/"
    assert check_export(spoken.get(f"{api}?since=2020-01-01").content, public) == []
    assert spoken.get(f"{api}?since=2999-01-01").json()["events"] == []
    assert spoken.get(f"{api}?since=nonsense").status_code == 400
    # nobody else: a viewer of the hospital, staff, another hospital
    for person, status in ((member(mine, Role.VIEWER), 403), (administrator, 403), (member(theirs), 404)):
        _, secret = make_token(user=person, name="export", scopes=["account:read"])
        assert APIClient(headers={"Authorization": f"Bearer {secret}"}).get(api).status_code == status
        client.force_login(person)
        assert client.get(f"{place}.json").status_code == client.get(f"{place}.csv").status_code == 404
