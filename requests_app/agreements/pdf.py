"""The agreement as a PDF: A4, standard fonts, the same bytes for the same agreement and signatures.

What is signed is the text file; the PDF says so on every page and carries the text's SHA-256.
"""

from __future__ import annotations

import io
import unicodedata
from typing import Any
from xml.sax.saxutils import escape

from django.utils import timezone
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, KeepTogether, Paragraph, SimpleDocTemplate, Spacer, Table, TableStyle

from requests_app.agreements.reading import blocks
from requests_app.models import Agreement

_INK = colors.HexColor("#1c2430")
_LINE = colors.HexColor("#c9ced6")
_BODY = ParagraphStyle("body", fontName="Helvetica", fontSize=9.5, leading=13.5, textColor=_INK, spaceAfter=1.6 * mm)
_ITEM = ParagraphStyle("item", parent=_BODY, leftIndent=5 * mm, bulletIndent=0, spaceAfter=0.8 * mm)
_SMALL = ParagraphStyle("small", parent=_BODY, fontSize=8, leading=11, spaceAfter=0)
_NAME = ParagraphStyle("name", parent=_BODY, fontName="Helvetica-Bold", fontSize=12, leading=16)
_MONO = ParagraphStyle("mono", parent=_BODY, fontName="Courier", fontSize=6.5, leading=8.5, splitLongWords=1)
_TITLE = ParagraphStyle("title", parent=_BODY, fontName="Helvetica-Bold", fontSize=18, leading=22, spaceAfter=3 * mm)
_HEAD = ParagraphStyle(
    "head", parent=_BODY, fontName="Helvetica-Bold", fontSize=11, leading=14, spaceBefore=4 * mm, spaceAfter=1 * mm,
    keepWithNext=True,
)  # fmt: skip
_WIDTH = A4[0] - 36 * mm
#: What Unicode does not take apart into printable letters.
_PLAIN = {
    "≥": ">=", "≤": "<=", "→": "->", "−": "-", "Ł": "L", "ł": "l", "Đ": "D", "đ": "d", "Ħ": "H", "ħ": "h",
    "ı": "i", "Ŧ": "T", "ŧ": "t", "Ŋ": "N", "ŋ": "n",
}  # fmt: skip


def agreement_pdf(agreement: Agreement) -> bytes:
    """The PDF of an agreement as it stands: unsigned, signed by one party, or by both."""
    story: list[Flowable] = []
    for block in blocks(agreement.text):
        if block.kind == "list":
            story += [Paragraph(_safe(item), _ITEM, bulletText="-") for item in block.items]
        else:
            style = {"title": _TITLE, "heading": _HEAD, "code": _MONO}.get(block.kind, _BODY)
            story.append(Paragraph(_broken(block.text) if block.kind == "code" else _safe(block.text), style))
        if block.kind == "title":
            story.append(_hashes(agreement))
    story.append(KeepTogether(_signatures(agreement)))
    out = io.BytesIO()
    SimpleDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title="Data use agreement", author="GetDATA", invariant=1,
    ).build(story, onFirstPage=_footer(agreement), onLaterPages=_footer(agreement))  # fmt: skip
    return out.getvalue()


def _footer(agreement: Agreement) -> Any:
    def draw(canvas: Canvas, page: Any) -> None:
        canvas.saveState()
        canvas.setFont("Helvetica", 7)
        canvas.setFillColor(_INK)
        canvas.drawString(
            18 * mm, 10 * mm, f"Reading copy. The text with this SHA-256 is what is signed: {agreement.text_sha256}"
        )
        canvas.drawRightString(A4[0] - 18 * mm, 10 * mm, f"Page {canvas.getPageNumber()}")
        canvas.restoreState()

    return draw


def _safe(text: object) -> str:
    """Text for a Paragraph: escaped, and in the letters of the standard fonts (Łódź becomes Lódz; the text file keeps it)."""
    return escape("".join(map(_letter, unicodedata.normalize("NFC", str(text)))))


def _letter(letter: str) -> str:
    if _printable(letter):
        return letter
    plain = _PLAIN.get(letter) or unicodedata.normalize("NFKD", letter)
    kept = "".join(part for part in plain if not unicodedata.combining(part) and _printable(part))
    return kept or "?"


def _printable(letter: str) -> bool:
    try:
        letter.encode("cp1252")
    except UnicodeEncodeError:
        return False
    return True


def _broken(text: str) -> str:
    """A long line without spaces, cut so that it fits the page; what is copied out has no letter more or less."""
    return "<br/>".join(_safe(text[start : start + 118]).replace(" ", "&nbsp;") for start in range(0, len(text), 118))


def _hashes(agreement: Agreement) -> Flowable:
    rows = [
        ("Agreement", str(agreement.pk)),
        ("Form", agreement.form),
        (
            "Specification",
            f"version {agreement.offer.spec_version.number}, SHA-256 {agreement.offer.spec_version.sha256}",
        ),
        ("This text", f"SHA-256 {agreement.text_sha256}"),
    ]
    return _table([(Paragraph(_safe(a), _SMALL), Paragraph(_safe(b), _SMALL)) for a, b in rows], (1, 5))


def _signatures(agreement: Agreement) -> list[Flowable]:
    signed = {one.organization_id: one for one in agreement.signatures.order_by("created_at")}
    cells = []
    for party in agreement.parties:
        one = signed.get(party.pk)
        if one is None:
            cells.append([Paragraph(_safe(party.name), _SMALL), Paragraph("Not signed yet", _BODY)])
            continue
        when = one.created_at.astimezone(timezone.get_default_timezone())
        cells.append(
            [
                Paragraph(_safe(party.name), _SMALL),
                Paragraph(_safe(one.printed_name), _NAME),
                Paragraph(_safe(one.meaning), _SMALL),
                Paragraph(
                    _safe(f"Signed {when:%Y-%m-%d %H:%M:%S %Z}, identity proved by {one.get_method_display()}"), _SMALL
                ),
                Paragraph(_safe(f"Text SHA-256 {one.text_sha256}"), _SMALL),
            ]
        )
    return [Spacer(1, 4 * mm), Paragraph("Signatures", _HEAD), _table([tuple(cells)], (1, 1))]


def _table(rows: list[tuple[Any, ...]], widths: tuple[int, ...]) -> Table:
    style = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"), ("LINEABOVE", (0, 0), (-1, 0), 0.6, _INK),
            ("LINEBELOW", (0, 0), (-1, -1), 0.4, _LINE), ("LEFTPADDING", (0, 0), (-1, -1), 2),
        ]
    )  # fmt: skip
    return Table(rows, [_WIDTH * width / sum(widths) for width in widths], style=style, hAlign="LEFT")
