"""The agreement's text: assembled from clauses by legal class, from the frozen specification, the offer and the parties."""

from requests_app.agreements.pdf import agreement_pdf
from requests_app.agreements.reading import Block, blocks
from requests_app.agreements.text import FORM, Drawn, agreement_text

__all__ = ["FORM", "Block", "Drawn", "agreement_pdf", "agreement_text", "blocks"]
