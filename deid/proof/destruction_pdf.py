"""The certificate of destruction as a PDF for reading. The signature covers the JSON file only; the PDF says so."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from typing import Any

from reportlab.lib.pagesizes import A4
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer

from deid.proof.certificate import render
from deid.proof.pdf import BODY, MONO, TITLE, footer, head, safe, table


def destruction_pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF of a destruction certificate; the same certificate gives the same bytes."""
    statement = document["statement"]
    issue, occasion, counts = statement["issue"], statement["occasion"], statement["counts"]
    subject = ", ".join(f"{name} {value}" for name, value in issue["subject"].items())
    kinds = ", ".join(f"{name} {count}" for name, count in counts["by_kind"].items())
    story: list[Flowable] = [
        Paragraph("Certificate of destruction", TITLE),
        Paragraph(
            f"<b>{counts['originals']} originals</b> ({counts['bytes']:,} bytes) that a hospital had sent were destroyed.",
            BODY,
        ),
        Spacer(1, 2 * mm),
        table(
            [
                ("Issued", f"{issue['issued_at']} by {issue['issuer']}"),
                ("Batch", subject),
                (
                    "Why",
                    f"{occasion['why']}, since {occasion['since']}; kept for {occasion['kept_days']} days after that",
                ),
                ("Originals", kinds),
                ("Sealed under", ", ".join(statement["method"]["key_ids"]) or "a key derived for the hospital"),
                ("Signature", document["signature"]["fingerprint"]),
            ],
            (1, 4),
            header=False,
        ),
        *head("How", [Paragraph(safe(statement["method"][name]), BODY) for name in ("how", "old_objects")]),
        *head("What is not claimed", [Paragraph("• " + safe(line), BODY) for line in statement["not_claimed"]]),
        *head("Proof", _proof(document)),
    ]
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title="Certificate of destruction", author="GetDATA", invariant=1,
    ).build(story, onFirstPage=footer(document), onLaterPages=footer(document))  # fmt: skip
    return out.getvalue()


def _proof(document: Mapping[str, Any]) -> list[Flowable]:
    manifest = document["statement"]["manifest"]
    lines = [
        f"originals  {manifest['files']}",
        f"manifest   {manifest['merkle_root']}",
        f"JSON file  {hashlib.sha256(render(document)).hexdigest()}",
        f"public key {document['signature']['public_key']}",
    ]
    how = (
        "To verify: python -m deid verify-certificate CERT.json --public-key KEY.pub. "
        "The list of keyed digests is in the JSON file."
    )
    return [Paragraph(how, BODY), Spacer(1, 1.5 * mm), *(Paragraph(safe(line), MONO) for line in lines)]
