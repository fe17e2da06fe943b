"""Proof of de-identification: canaries that measure recall, a signed certificate a batch, and its verification.

Pure: no clock, no network, no Django. The command and the portal read files and clocks and hand values in.
"""

from deid.proof.canaries import CanaryOutcome, Measured, NotMeasured, canary_count, measure, run_canary
from deid.proof.certificate import BatchFacts, ReportFacts, build_certificate, render
from deid.proof.check import Verdict, check_certificate
from deid.proof.signature import SigningKey, SigningKeyProblem, read_signing_key

__all__ = [
    "BatchFacts",
    "CanaryOutcome",
    "Measured",
    "NotMeasured",
    "ReportFacts",
    "SigningKey",
    "SigningKeyProblem",
    "Verdict",
    "build_certificate",
    "canary_count",
    "check_certificate",
    "measure",
    "read_signing_key",
    "render",
    "run_canary",
]
