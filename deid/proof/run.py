"""Canaries over a batch on disk: chosen among the inputs that were released, run in memory, in the batch's own kind of
workers, so that a copy can no more take the run down than a file can."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from deid.batch.intake import Source, list_files, list_members, read_source
from deid.batch.pool import Lost, Pool
from deid.batch.run import Plan, Settled
from deid.batch.work import start_worker
from deid.engine import deidentify
from deid.keyring import Keyring
from deid.outcome import Refusal
from deid.policy import Policy
from deid.proof.canaries import CanaryOutcome, Measured, NotMeasured, canary_count, choose, measure, run_canary

# A copy holds its image twice and full of text, which is looked at more often than an image without any.
_SECONDS, _MEMORY = 3, 2


@dataclass(frozen=True)
class CanaryJob:
    """One image to copy: where it lies, the digest it had when the batch was run, and the style of its names."""

    source: Source
    sha256: str
    style: int
    policy: Policy
    keyring: Keyring


def run_job(job: CanaryJob) -> CanaryOutcome | None:
    """Plant into one image's copy; None when the file changed or vanished since the batch was run."""
    try:
        data = read_source(job.source)
    except Refusal:
        return None
    if hashlib.sha256(data).hexdigest() != job.sha256:
        return None
    return run_canary(data, job.policy, job.keyring, deidentify, style=job.style)


def measure_batch(
    plan: Plan, settled: Sequence[Settled], wanted: int | None, progress: Callable[[int, int], None]
) -> Measured | NotMeasured:
    """Recall on copies of a batch's released images.

    wanted: how many copies, None for the rule of `canary_count`. progress: called with (done, total).
    """
    if wanted == 0:
        return NotMeasured("Canaries were switched off (--canaries 0).")
    released = [item for item in settled if item.status == "released"]
    if not released:
        return NotMeasured("No image of the batch was released, so there was none to copy.")
    digests = [str(item.record["input_sha256"]) for item in released]
    chosen = choose(digests, plan.keyring, canary_count(len(released), wanted))
    limits = replace(
        plan.limits,
        file_seconds=_SECONDS * plan.limits.file_seconds,
        memory_bytes=_MEMORY * plan.limits.memory_bytes,
    )
    outcomes: dict[int, CanaryOutcome | None] = {}
    with Pool(min(plan.workers, len(chosen)), start_worker, (plan.policy, plan.keyring), limits) as pool:
        sources = _sources(plan, pool)
        jobs = [
            CanaryJob(sources[released[index].index], digests[index], style, plan.policy, plan.keyring)
            for style, index in enumerate(chosen)
            if released[index].index < len(sources)
        ]
        progress(0, len(jobs))
        for job, outcome in pool.map(run_job, jobs, limits.file_seconds):
            # A copy that no worker survives would have been withheld, had it been a file of the batch.
            outcomes[job.style] = CanaryOutcome(outcome.reason, ()) if isinstance(outcome, Lost) else outcome
            progress(len(outcomes), len(jobs))
    return measure(outcomes[style] for style in sorted(outcomes))


def _sources(plan: Plan, pool: Pool) -> list[Source]:
    """The batch's inputs in the order of the run. Archives are opened by a worker, because they may be hostile."""
    found: list[Source] = []
    for path, members in pool.map(list_members, list_files(plan.source), plan.limits.header_seconds, ahead=True):
        found += [Source(path)] if isinstance(members, Lost) else members
    return sorted(found, key=lambda source: source.name)
