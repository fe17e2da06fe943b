"""Signed documents beside the certificates of the engine: a holder's attestation of destruction, evidence packs. Pure.

All have the five parts of a certificate (``deid.proof.certificate``), so that one check verifies them all.
"""

from fulfillment.evidence.documents import ATTESTATION, FORMATS, PACK, build_document, check_document
from fulfillment.evidence.pdf import pack_pdf

__all__ = ["ATTESTATION", "FORMATS", "PACK", "build_document", "check_document", "pack_pdf"]
