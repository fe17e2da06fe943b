"""An evidence pack as a PDF for reading: A4, standard fonts, the same bytes for the same pack. The JSON file is what is signed."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from deid.proof.certificate import render
from deid.proof.pdf import BODY, MONO, TITLE, footer, head, safe, table

#: Lines of a long list that the reading copy shows; the JSON file has all of them.
MOST = 200


def pack_pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF of an evidence pack."""
    says = document["statement"]
    story: list[Flowable] = [
        Paragraph("Evidence pack", TITLE),
        table([(_words(name), value) for name, value in says["summary"].items()], (1, 3), header=False),
        *_parties(says["parties"]),
        *_specifications(says["specifications"]),
        *_agreements(says["agreements"]),
        *_legal(says["legal_class"]),
        *_certificates(says["certificates"]),
        *_quality(says["quality"]),
        *_listed("Chain of custody", says["chain_of_custody"], ("at", "what", "who")),
        *_recipients(says["recipients"]),
        *_listed("Originals destroyed", says["destruction"]["originals"], ("at", "batch", "why", "originals")),
        *_listed("Withdrawals", says["withdrawals"], ("at", "what", "why", "due_at", "state")),
        *_listed(
            "Copies destroyed by holders",
            says["destruction"]["holders"],
            ("at", "what", "organization", "printed_name"),
        ),
        *_listed("Incidents", says["incidents"], None),
        *_listed("Audit log of this scope", says["audit"], ("id", "at", "verb", "actor")),
        *head("What is not claimed", [Paragraph("• " + safe(line), BODY) for line in says["not_claimed"]]),
        *head("Proof", _proof(document)),
    ]
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title="Evidence pack", author="GetDATA", invariant=1,
    ).build(story, onFirstPage=footer(document), onLaterPages=footer(document))  # fmt: skip
    return out.getvalue()


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _listed(title: str, rows: list[Mapping[str, Any]], names: Iterable[str] | None) -> list[Flowable]:
    """A table of rows, or a word that there are none."""
    if not rows:
        return head(title, [Paragraph("None.", BODY)])
    keys = list(names or rows[0])
    cells: list[tuple[Any, ...]] = [tuple(map(_words, keys))]
    cells += [tuple(row.get(key, "") for key in keys) for row in rows[:MOST]]
    more = len(rows) - MOST
    rest = [Paragraph(f"And {more:,} more lines, in the JSON file.", BODY)] if more > 0 else []
    return head(title, [table(cells, tuple(1 for _ in keys)), *rest])


def _parties(parties: list[Mapping[str, Any]]) -> list[Flowable]:
    story: list[Flowable] = []
    for one in parties:
        line = f"{one['kind']}, {one['country']}: {one['status']}"
        rows = [(item["check"], item["state"], item["decided_at"], item["decided_by"]) for item in one["verification"]]
        content: list[Flowable] = [Paragraph(safe(line), BODY)]
        if rows:
            content.append(table([("Check", "State", "Decided", "By"), *rows], (3, 1, 2, 2)))
        story += head(f"Verification of {safe(one['name'])}", content)
    return story


def _specifications(rows: list[Mapping[str, Any]]) -> list[Flowable]:
    story: list[Flowable] = []
    for one in rows:
        cells = [
            ("SHA-256", one["sha256"]), ("Intended use", one["intended_use"]), ("Purpose", one["purpose"]),
            ("Ethics", one["ethics"]), ("Policy", one["policy"]),
        ]  # fmt: skip
        story += head(f"Specification, version {one['version']}", [table(cells, (1, 3), header=False)])
    return story


def _agreements(rows: list[Mapping[str, Any]]) -> list[Flowable]:
    story: list[Flowable] = []
    for one in rows:
        cells = [
            ("Between", " and ".join(one["between"])), ("Legal basis", _words(one["legal_basis"])),
            ("Text SHA-256", one["text_sha256"]), ("Text is unchanged", "yes" if one["text_is_unchanged"] else "NO"),
        ]  # fmt: skip
        for signed in one["signatures"]:
            cells.append(
                (
                    f"Signed for {signed['organization']}",
                    f"{signed['printed_name']}, {signed['at']}: {signed['meaning']}",
                )
            )
        story += head("Agreement", [table(cells, (1, 3), header=False)])
    return story


def _legal(rows: list[Mapping[str, Any]]) -> list[Flowable]:
    cells = [("Hospital", "Agreed", "What is kept allows", "Against it")]
    for one in rows:
        allowed = " or ".join(one["allowed_by_what_is_kept"]) or "nothing"
        cells.append((one["hospital"], one["agreed"], allowed, "; ".join(one["against"]) or "nothing"))
    return head("Legal class", [table(cells, (2, 1, 2, 3))] if rows else [Paragraph("None.", BODY)])


def _certificates(rows: list[Mapping[str, Any]]) -> list[Flowable]:
    cells: list[tuple[Any, ...]] = [("Batch", "Planted", "Survived", "SHA-256", "Note")]
    cells += [(one["batch"], one["planted"], one["survived"], one["sha256"][:32], one["note"]) for one in rows]
    return head("Certificates of de-identification", [table(cells, (2, 1, 1, 3, 2))])


def _quality(section: Mapping[str, Any]) -> list[Flowable]:
    cells: list[tuple[Any, ...]] = [("Score", "Images", "Mean")]
    for one in section["scores"]:
        cells.append((one["version"], one["images"], f"{one['mean_tenths'] // 10}.{one['mean_tenths'] % 10}"))
    found = ", ".join(f"{name} {count}" for name, count in section["findings"].items()) or "none"
    return head("Quality", [table(cells, (2, 1, 1)), Paragraph(safe(f"Findings on images: {found}."), BODY)])


def _recipients(rows: list[Mapping[str, Any]]) -> list[Flowable]:
    cells: list[tuple[Any, ...]] = [("Organization", "Release", "Until", "Person", "Purpose")]
    for one in rows:
        place = (f"{one['organization']}, {one['country']}", one["release"], one["until"])
        cells += [(*place, f"{p['printed_name']}, {p['country']}", p["purpose"]) for p in one["people"][:MOST]]
        if not one["people"]:
            cells.append((*place, "nobody attested", ""))
    return head("Recipients", [table(cells, (2, 1, 2, 2, 4))] if rows else [Paragraph("None.", BODY)])


def _proof(document: Mapping[str, Any]) -> list[Flowable]:
    manifest = document["statement"]["manifest"]
    lines = [
        f"files      {manifest['files']}",
        f"manifest   {manifest['merkle_root']}",
        f"JSON file  {hashlib.sha256(render(document)).hexdigest()}",
        f"public key {document['signature']['public_key']}",
    ]
    how = "To verify: drop the JSON file on the portal's page “Verify a certificate”. It needs no account."
    return [Paragraph(safe(how), BODY), Spacer(1, 1.5 * mm), *(Paragraph(safe(line), MONO) for line in lines)]
