"""De-identification of chest radiographs after DICOM PS3.15 Annex E: bytes, policy and keys in, clean bytes or
a reason out."""

from deid.engine import ENGINE_VERSION, days_moved, deidentify
from deid.keyring import KeyProblem, Keyring, read_key_file
from deid.outcome import AuditRecord, Context, MaskBox, Outcome, Quarantined, Released
from deid.pixels.zones import Zone, find_zones
from deid.policy import Policy, PolicyError, load_policy, shipped_policies
from deid.reasons import REASONS, Reason

__all__ = [
    "ENGINE_VERSION",
    "REASONS",
    "AuditRecord",
    "Context",
    "KeyProblem",
    "Keyring",
    "MaskBox",
    "Outcome",
    "Policy",
    "PolicyError",
    "Quarantined",
    "Reason",
    "Released",
    "Zone",
    "days_moved",
    "deidentify",
    "find_zones",
    "load_policy",
    "read_key_file",
    "shipped_policies",
]
