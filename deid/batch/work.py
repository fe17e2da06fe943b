"""One file in a worker: read, de-identify, write under a temporary name, read back, and say what happened."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deid.batch.intake import Source, read_source
from deid.dicomfile.read import read_file
from deid.engine import ENGINE_VERSION, deidentify
from deid.keyring import Keyring
from deid.outcome import AuditRecord, Context, Refusal, Released
from deid.pixels.zones import Zone
from deid.policy import Policy
from deid.profile.table import EDITION


@dataclass(frozen=True)
class Job:
    """What a worker needs for one file. `part`: where to write, under a name that no other run uses. `refuse`: a
    reason found by the survey of the batch. `zones`: where the device writes, at a second look. `patient`: the patient's
    key, where the study's other files say more than this one."""

    index: int
    source: Source
    known: frozenset[str]
    part: str
    refuse: str = ""
    zones: tuple[Zone, ...] = ()
    patient: str = ""


@dataclass
class Done:
    """What became of one file. `output` is relative to the output folder; the bytes wait under `part` until
    the parent renames."""

    index: int
    input_sha256: str
    output: str
    part: str
    reason: str
    record: dict[str, Any]


_state: dict[str, Any] = {}
_PIECE = 1 << 18


def start_worker(policy: Policy, keyring: Keyring) -> None:
    """Keep policy and keys in the worker process; one thread for every library that would take more."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    import cv2

    cv2.setNumThreads(1)
    _state["policy"], _state["keyring"] = policy, keyring


def run_job(job: Job) -> Done:
    """De-identify one file. Raises OSError when the output's disk fails, MemoryError when the limit is reached;
    everything else about the file itself comes back as a reason."""
    policy, keyring = _state["policy"], _state["keyring"]
    record = _empty_record(policy, keyring)
    try:
        data = read_source(job.source)
    except Refusal as refusal:
        return _refused(job, record, refusal.code, refusal.detail)
    if job.refuse:
        record.input_sha256, record.input_bytes = hashlib.sha256(data).hexdigest(), len(data)
        return _refused(job, record, job.refuse, "")
    outcome = deidentify(
        data, policy, keyring, Context(known_identifiers=job.known, zones=job.zones, patient=job.patient)
    )
    if not isinstance(outcome, Released):
        if outcome.reason == "memory-limit":
            raise MemoryError  # the pool decides whether this file or an earlier one is to blame
        return _refused(job, outcome.record, outcome.reason, outcome.record.detail)
    if not _write(Path(job.part), outcome.data):
        Path(job.part).unlink()
        return _refused(job, outcome.record, "verify-structure", "the disk returned other bytes than were written")
    dataset = read_file(outcome.data, pixels=False).dataset
    name = Path(dataset.ascii(0x00100020)) / dataset.ascii(0x0020000D) / f"{dataset.ascii(0x00080018)}.dcm"
    return Done(job.index, outcome.record.input_sha256, name.as_posix(), job.part, "", outcome.record.as_dict())


def _write(part: Path, data: bytes) -> bool:
    """Write, make the disk take it, read it back: whether it gave the same bytes. Raises OSError and leaves nothing behind
    when the disk refuses."""
    try:
        with part.open("wb", buffering=0) as stream:
            left = memoryview(data)
            while left:
                left = left[stream.write(left) :]
            os.fsync(stream.fileno())
        return _holds(part, data)
    except OSError:
        part.unlink(missing_ok=True)
        raise


def _holds(part: Path, data: bytes) -> bool:
    """Whether a file holds these bytes, read in pieces."""
    at = 0
    with part.open("rb", buffering=0) as stream:
        while piece := stream.read(_PIECE):
            if piece != data[at : at + len(piece)]:
                return False
            at += len(piece)
    return at == len(data)


def lost(job: Job, policy: Policy, keyring: Keyring, reason: str, detail: str = "") -> Done:
    """The result for a file that cost its worker's life, its memory or its time."""
    return _refused(job, _empty_record(policy, keyring), reason, detail)


def _refused(job: Job, record: AuditRecord, code: str, detail: str) -> Done:
    record.decision, record.reason, record.detail = "withheld", code, detail
    record.output_sha256, record.output_bytes = "", 0
    return Done(job.index, record.input_sha256, "", "", code, record.as_dict())


def _empty_record(policy: Policy, keyring: Keyring) -> AuditRecord:
    return AuditRecord(ENGINE_VERSION, EDITION, policy.label, policy.sha256, keyring.key_id, "", 0)
