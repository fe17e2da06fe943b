"""The certificate as a PDF for reading: A4, standard fonts, the same bytes for the same certificate.

The signature covers the JSON file only. The PDF says so and carries the fingerprint and the JSON's SHA-256.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from typing import Any
from xml.sax.saxutils import escape

from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from deid.proof.certificate import render

_INK = colors.HexColor("#1c2430")
_LINE = colors.HexColor("#c9ced6")
_SHADE = colors.HexColor("#f3f1ec")
BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9, leading=12.5, textColor=_INK)
_SMALL = ParagraphStyle("small", parent=BODY, fontSize=7.5, leading=10)
MONO = ParagraphStyle("mono", parent=BODY, fontName="Courier", fontSize=7.5, leading=10)
TITLE = ParagraphStyle("title", parent=BODY, fontName="Helvetica-Bold", fontSize=18, leading=22, spaceAfter=2 * mm)
_HEAD = ParagraphStyle(
    "head", parent=BODY, fontName="Helvetica-Bold", fontSize=11.5, leading=15, spaceBefore=5 * mm, spaceAfter=1.5 * mm,
    keepWithNext=True,
)  # fmt: skip
_WIDTH = A4[0] - 36 * mm
_SHOWN_ATTRIBUTES = 6


def certificate_pdf(document: Mapping[str, Any]) -> bytes:
    """The PDF of a certificate document."""
    statement = document["statement"]
    story: list[Flowable] = [Paragraph("De-identification certificate", TITLE)]
    story += _summary(document, statement)
    story += _class(statement["class"])
    story += _canaries(statement["canaries"])
    story += _counts(statement["counts"])
    story += _identifiers(statement["identifiers"])
    story += _examined(statement)
    story += head("What is not claimed", [Paragraph("• " + safe(line), BODY) for line in statement["not_claimed"]])
    story += _proof(document, statement)
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title="De-identification certificate", author="GetDATA deid", invariant=1,
    ).build(story, onFirstPage=footer(document), onLaterPages=footer(document))  # fmt: skip
    return out.getvalue()


def footer(document: Mapping[str, Any]) -> Any:
    signature = document["signature"]
    line = f"Key {signature['fingerprint'][:32]}" if signature else "NOT SIGNED"

    def draw(canvas: Canvas, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(_INK)
        canvas.drawString(18 * mm, 10 * mm, f"Reading copy. The JSON file is what is signed. {line}")
        canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    return draw


def safe(text: object) -> str:
    """Text for a Paragraph: escaped, and without letters that the standard fonts lack."""
    return escape(str(text).encode("cp1252", "replace").decode("cp1252"))


def head(title: str, content: Sequence[Flowable]) -> list[Flowable]:
    return [Paragraph(title, _HEAD), *content]


def table(rows: Sequence[Sequence[Any]], widths: Sequence[float], *, header: bool = True) -> Table:
    total = sum(widths)
    cells = [[cell if isinstance(cell, Flowable) else Paragraph(safe(cell), _SMALL) for cell in row] for row in rows]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE),
        ("TOPPADDING", (0, 0), (-1, -1), 2), ("BOTTOMPADDING", (0, 0), (-1, -1), 2.5),
        ("LEFTPADDING", (0, 0), (-1, -1), 3), ("RIGHTPADDING", (0, 0), (-1, -1), 3),
    ]  # fmt: skip
    if header:
        style.append(("BACKGROUND", (0, 0), (-1, 0), _SHADE))
    columns = [_WIDTH * width / total for width in widths]
    return Table(cells, columns, repeatRows=int(header), style=TableStyle(style), hAlign="LEFT")


def _summary(document: Mapping[str, Any], statement: Mapping[str, Any]) -> list[Flowable]:
    issue, engine, policy = statement["issue"], statement["engine"], statement["policy"]
    subject = ", ".join(f"{name} {value}" for name, value in issue["subject"].items()) or "one run of the command"
    options = ", ".join(f"{option['code']} {option['meaning']}" for option in policy["options"])
    rows = [
        ("Issued", f"{issue['issued_at']} by {issue['issuer']}"),
        ("Batch", subject),
        (
            "Engine",
            f"{engine['name']} {engine['version']}, table {engine['table_edition']} ({engine['table_attributes']} attributes)",
        ),
        ("Policy", f"{policy['label']}: {policy['title']}. SHA-256 {policy['sha256']}"),
        ("Options applied", options),
        ("Pseudonym key", f"{statement['key']['id']} (public name; the key itself is in no certificate)"),
        (
            "Signature",
            document["signature"]["fingerprint"] if document["signature"] else "NOT SIGNED: nobody vouches for it",
        ),
    ]
    return [table(rows, (1, 4), header=False)]


def _class(section: Mapping[str, Any]) -> list[Flowable]:
    content: list[Flowable] = [Paragraph(f"<b>{safe(section['class'])}</b>. {safe(section['statement'])}", BODY)]
    content += [Paragraph("• Against Safe Harbor: " + safe(line), BODY) for line in section["against_safe_harbor"]]
    content += [Paragraph("• Kept: " + safe(line), BODY) for line in section["retained"]]
    return head("What is kept, and what that makes of the batch", content)


def _canaries(section: Mapping[str, Any]) -> list[Flowable]:
    title = "Recall, measured with planted synthetic identities"
    if not section["measured"]:
        return head(title, [Paragraph(f"<b>Not measured.</b> {safe(section['reason'])}", BODY)])
    rows: list[Sequence[Any]] = [("Kind", "Planted", "Removed", "Recall", "95 % (Wilson)", "95 % (Clopper-Pearson)")]
    for kind in section["by_kind"]:
        rows.append(
            (kind["kind"], kind["planted"], kind["removed"], f"{kind['recall_percent']} %",
             " to ".join(kind["wilson_95"]), " to ".join(kind["clopper_pearson_95"]))
        )  # fmt: skip
    words = f"{section['copies']} images of this batch were copied in memory. {section['missed']} values survived. "
    if section["copies_withheld"]:
        words += (
            f"The engine withheld {section['copies_withheld']} of the copies: their {section['values_in_withheld_copies']} "
            "values count as neither removed nor missed."
        )
    if section["kinds_not_measured"]:
        words += f" Not measured: {', '.join(section['kinds_not_measured'])} (nothing could be planted, or all was withheld)."
    content: list[Flowable] = [Paragraph(words, BODY), Spacer(1, 1.5 * mm), table(rows, (2, 1, 1, 1, 2, 2))]
    missed = [place for place in section["by_place"] if place["removed"] < place["planted"]]
    if missed:
        listed: list[Sequence[Any]] = [("Where values survived", "Planted", "Survived")]
        listed += [(f"{p['kind']}: {p['place']}", p["planted"], p["planted"] - p["removed"]) for p in missed]
        content += [Spacer(1, 2 * mm), table(listed, (4, 1, 1))]
    return head(title, content)


def _counts(section: Mapping[str, Any]) -> list[Flowable]:
    words = f"{section['inputs']} inputs: {section['released']} released, {section['withheld']} withheld."
    content: list[Flowable] = [Paragraph(words, BODY)]
    if section["withheld_by_reason"]:
        rows: list[Sequence[Any]] = [("Withheld for", "Objects", "Cause")]
        rows += [(entry["reason"], entry["count"], entry["cause"]) for entry in section["withheld_by_reason"]]
        content += [Spacer(1, 1.5 * mm), table(rows, (2, 1, 5))]
    return head("Counts", content)


def _identifiers(section: Mapping[str, Any]) -> list[Flowable]:
    rows: list[Sequence[Any]] = [("", "Identifier", "Attributes in this batch", "Actions, times")]
    for entry in section["entries"]:
        touched = sorted(entry["attributes_touched"].items(), key=lambda item: (-item[1], item[0]))
        seen = ", ".join(f"{name} {count}" for name, count in touched[:_SHOWN_ATTRIBUTES])
        if len(touched) > _SHOWN_ATTRIBUTES:
            seen += f" and {len(touched) - _SHOWN_ATTRIBUTES} more (JSON)"
        can = f"{len(entry['table_attributes'])} attributes of the table can hold it."
        note = entry.get("note", can)
        actions = ", ".join(f"{name} {count}" for name, count in entry["actions"].items()) or "none needed"
        rows.append((entry["letter"], f"{entry['identifier']}. {note}", seen or "none present", actions))
    return head(f"The 18 identifiers of {section['citation']}", [table(rows, (0.5, 3.2, 3.4, 1.9))])


def _examined(statement: Mapping[str, Any]) -> list[Flowable]:
    pixels, look = statement["pixels"], statement["second_look"]
    checks = ", ".join(
        f"{check['check']} {check['passed']}" + (f" ({check['not_applicable']} not applicable)" if check["not_applicable"] else "")
        for check in look["checks"]
    )  # fmt: skip
    rows = [
        ("Detector", ", ".join(pixels["detectors"]) or "none"),
        ("Images", f"{pixels['images_examined']} examined, {pixels['images_masked']} masked, {pixels['masks']} masks, "
         f"{pixels['markers_kept']} side or technique markers kept, {pixels['images_passed_through']} passed through unchanged"),
        ("For a person to look at", ", ".join(f"{r['code']} {r['count']}" for r in pixels["review"]) or "nothing flagged"),
        ("Second look, passed", checks or "no object was released"),
        ("Second look, withheld", str(look["withheld"])),
    ]  # fmt: skip
    return head("Pixels and the second look", [table(rows, (1.2, 4), header=False)])


def _proof(document: Mapping[str, Any], statement: Mapping[str, Any]) -> list[Flowable]:
    manifest, report = statement["manifest"], statement["report"]
    lines = [
        f"files      {manifest['files']}",
        f"manifest   {manifest['merkle_root']}",
        f"records    {report['records']}",
        f"chain head {report['chain_head'] or 'no record'}",
        f"JSON file  {hashlib.sha256(render(document)).hexdigest()}",
        f"public key {document['signature']['public_key'] if document['signature'] else 'not signed'}",
    ]
    how = (
        "To verify: python -m deid verify-certificate CERT.json --public-key KEY.pub --files FOLDER. By hand: "
        "docs/certificate.md. The list of files with their digests is in the JSON file."
    )
    return head("Proof", [Paragraph(how, BODY), Spacer(1, 1.5 * mm), *(Paragraph(safe(line), MONO) for line in lines)])
