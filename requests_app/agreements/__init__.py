"""The agreement's text: one form, filled in from the frozen specification, the offer and the two parties."""

from requests_app.agreements.reading import Block, blocks
from requests_app.agreements.text import FORM, Drawn, agreement_text

__all__ = ["FORM", "Block", "Drawn", "agreement_text", "blocks"]
