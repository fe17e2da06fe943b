"""Checking an organization's export of the audit log, without the portal.

An export holds the organization's own events and no other. Each event carries the hash that the log has for it, computed from its
columns and the hash of the event before. An anchor is the portal's signed statement of the log's head; its ``tree`` is the root of
a Merkle tree (RFC 6962, section 2.1) over the hashes of all events since the anchor before. An event's ``proof`` is the path from
its hash to that root: an export shows that its events are in the anchored log, and shows nothing of others'.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from typing import Any

from deid.proof.canonical import canonical
from deid.proof.signature import fingerprint, is_signed_by

FORMAT = "getdata-audit-export/1"
ANCHOR = "getdata-audit-anchor/1"
#: The columns that an event's hash is over, besides the hash before it.
COLUMNS = ("at", "actor_kind", "actor_id", "verb", "target_type", "target_id", "organization_id", "data")


def event_hash(event: dict[str, Any]) -> str:
    """SHA-256 (hex) of an event's columns and its predecessor's hash."""
    body = {name: event[name] for name in COLUMNS}
    text = json.dumps(body, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(f"{event['previous_hash']}\n{text}".encode()).hexdigest()


def digest_of(events: Sequence[dict[str, Any]]) -> str:
    """SHA-256 (hex) over the hashes of the events, a line each."""
    return hashlib.sha256("".join(f"{event['hash']}\n" for event in events).encode()).hexdigest()


class Tree:
    """A Merkle tree over event hashes in their order."""

    def __init__(self, hashes: Sequence[str]) -> None:
        self._levels = [[_leaf(item) for item in hashes]]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> str:
        """Its root (hex)."""
        return self._levels[-1][0].hex() if self._levels[-1] else hashlib.sha256(b"").hexdigest()

    def path(self, index: int) -> list[list[str]]:
        """The way of one leaf to the root: ``[side, hash]`` from below; side is where the other hash stands, left or right."""
        path = []
        for level in self._levels[:-1]:
            beside = index ^ 1
            if beside < len(level):
                path.append(["left" if beside < index else "right", level[beside].hex()])
            index //= 2
        return path


def follow_path(item: str, path: Sequence[Sequence[str]]) -> str:
    """The root to which a path leads from an event's hash. Raises ``ValueError``."""
    node = _leaf(item)
    for side, beside in path:
        other = bytes.fromhex(beside)
        node = _node(other, node) if side == "left" else _node(node, other)
    return node.hex()


def check_export(raw: bytes, public_keys: Collection[bytes] = ()) -> list[str]:
    """What speaks against an export: a sentence for each thing, naming the event or the anchor. Never raises for any content.

    ``public_keys`` are raw keys to believe; without any, signatures are checked against the keys they name, which shows changes
    since and not who signed.
    """
    try:
        document = json.loads(raw)
        statement, events = document["statement"], list(document["events"])
        if statement["format"] != FORMAT:
            raise ValueError
        anchors = {int(item["number"]): item for item in document["anchors"]}
        problems = [*_signature(statement, "the export", public_keys)]
        if (statement["events"], statement["events_sha256"]) != (len(events), digest_of(events)):
            problems.append("the export: events were removed, inserted or reordered since it was made")
        for number, anchor in sorted(anchors.items()):
            problems += _signature(anchor, f"anchor {number}", public_keys)
        for event in events:
            problems += _event(event, anchors)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ["it is not an export of an audit log, or a part of it has a form that none has"]
    return problems


def _event(event: dict[str, Any], anchors: dict[int, dict[str, Any]]) -> list[str]:
    name = f"event {event['id']}"
    if event_hash(event) != event["hash"]:
        return [f"{name}: its content does not match its hash: it was altered"]
    proof = event["proof"]
    if proof is None:
        return []
    anchor = anchors.get(int(proof["anchor"]))
    if anchor is None:
        return [f"{name}: the anchor that it is proven by is not in the export"]
    if follow_path(event["hash"], proof["path"]) != anchor["tree"]:
        return [f"{name}: it is not in the log that anchor {proof['anchor']} speaks of"]
    return []


def _signature(document: dict[str, Any], name: str, public_keys: Collection[bytes]) -> list[str]:
    rest = dict(document)
    block = rest.pop("signature")
    public = bytes.fromhex(block["public_key"])
    if not is_signed_by(public, canonical(rest), bytes.fromhex(block["value"])):
        return [f"{name}: its signature does not fit its content"]
    if public_keys and public not in public_keys:
        return [f"{name}: it is signed by another key than those given ({fingerprint(public)[:16]}…)"]
    return []


def _leaf(item: str) -> bytes:
    return hashlib.sha256(b"\0" + canonical(item)).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


def _above(level: list[bytes]) -> list[bytes]:
    paired = [_node(level[place], level[place + 1]) for place in range(0, len(level) - 1, 2)]
    return [*paired, level[-1]] if len(level) % 2 else paired
