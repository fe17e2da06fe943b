"""Running a batch: a first look at every file, workers, duplicates settled, files renamed into place."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from deid.batch.guard import DEFAULT_WORK_LIMITS, WorkLimits
from deid.batch.intake import Source, list_files, list_members
from deid.batch.journal import Journal, Sharing, journal_path
from deid.batch.pool import Lost, Pool
from deid.batch.second_look import SecondLook
from deid.batch.survey import Look, Looked, Survey, survey, survey_one
from deid.batch.work import Done, Job, lost, run_job, start_worker
from deid.engine import ENGINE_VERSION
from deid.keyring import Keyring
from deid.policy import Policy
from deid.reasons import REASONS


@dataclass(frozen=True)
class Plan:
    """Where a batch comes from and goes to, and what one file may cost."""

    source: Path
    output: Path
    map_path: Path
    report_path: Path
    policy: Policy
    keyring: Keyring
    workers: int = 1
    resume: bool = False
    limits: WorkLimits = DEFAULT_WORK_LIMITS


@dataclass(frozen=True, slots=True)
class Settled:
    """The final word on one input. `status`: released, quarantined or rejected."""

    index: int
    original_uid: str
    output: str
    status: str
    reason: str
    record: dict[str, object]


Progress = Callable[[int, int, Settled | None], None]


def run_batch(plan: Plan, progress: Progress) -> list[Settled]:
    """De-identify everything under plan.source, each file in a worker process, so that none can take the run down.

    Raises OSError when a disk fails and WorkerFailure when workers cannot start; files already released stay valid and
    the journal stays for `--resume`. Call `finish_batch` once map and report are written.
    """
    incoming = plan.output / ".incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    with (
        Journal(journal_path(plan.map_path), _run_id(plan), resume=plan.resume) as journal,
        Pool(plan.workers, start_worker, (plan.policy, plan.keyring), plan.limits) as pool,
    ):
        sources = _sources(plan, pool)
        seen = survey(sources, plan.keyring, _looks(plan, pool, sources, {done.index for _, done in journal.entries}))
        token = secrets.token_hex(4)  # a worker of a killed run may still write for a moment: never under our names
        jobs = [
            _job(index, source, seen, incoming / f"{index:08d}-{token}.part") for index, source in enumerate(sources)
        ]
        finished = _still_valid(journal.entries, plan, seen, jobs)
        _take_back(plan, journal, finished)
        _sweep(incoming, {done.part for done in finished.values()})
        settled = _settle_all(plan, seen, jobs, _all_done(plan, pool, jobs, finished, seen, journal), progress)
    shutil.rmtree(incoming, ignore_errors=True)
    return [settled[index] for index in range(len(jobs))]


def finish_batch(plan: Plan) -> None:
    """Forget the journal: map and report hold everything now."""
    journal_path(plan.map_path).unlink(missing_ok=True)


def _sources(plan: Plan, pool: Pool) -> list[Source]:
    """Every input in a fixed order. Archives are opened by a worker: their directories can lie as well."""
    found: list[Source] = []
    for path, members in pool.map(list_members, list_files(plan.source), plan.limits.header_seconds, ahead=True):
        found += [Source(path)] if isinstance(members, Lost) else members
    return sorted(found, key=lambda source: source.name)


def _looks(plan: Plan, pool: Pool, sources: list[Source], journalled: set[int]) -> Iterator[tuple[int, Looked]]:
    looks = (Look(index, source, index in journalled) for index, source in enumerate(sources))
    for look, looked in pool.map(survey_one, looks, plan.limits.header_seconds, ahead=True):
        yield look.index, Looked(refuse=looked.reason) if isinstance(looked, Lost) else looked


def _job(index: int, source: Source, seen: Survey, part: Path) -> Job:
    facts = seen.seen[index]
    refuse = facts.refuse or ("two-patient-ids" if facts.study in seen.conflicting_studies else "")
    known = seen.known.get(facts.patient, frozenset())
    return Job(index, source, known, str(part), refuse, patient=facts.patient if facts.adopted else "")


def _all_done(
    plan: Plan, pool: Pool, jobs: list[Job], finished: dict[int, Done], seen: Survey, journal: Journal
) -> Iterator[Done]:
    """Results in the order in which they are ready; each is in the journal before anything else is done with it.

    What left hints waits for the others, because they may show that the device writes there.
    """
    second, waiting = SecondLook(), []
    for done in _first_looks(plan, pool, jobs, finished, seen, journal):
        if second.take(done):
            waiting.append(done)
        else:
            yield done
    again = {}
    for done in waiting:
        zones = second.zones_for(done)
        if zones:
            again[done.index] = (done, replace(jobs[done.index], zones=zones, part=f"{jobs[done.index].part}.again"))
        else:
            yield done
    for job, result in pool.map(run_job, (job for _, job in again.values()), plan.limits.file_seconds):
        if isinstance(result, Lost):
            result = lost(job, plan.policy, plan.keyring, result.reason, result.detail)
        # After a crash the later entry of a file holds, so the first result can never be taken for this one.
        journal.write(result, _context(jobs[job.index], plan))
        Path(again[job.index][0].part).unlink(missing_ok=True)
        yield result


def _first_looks(
    plan: Plan, pool: Pool, jobs: list[Job], finished: dict[int, Done], seen: Survey, journal: Journal
) -> Iterator[Done]:
    yield from finished.values()
    left = (job for job in jobs if job.index not in finished and not seen.seen[job.index].refuse)
    for job in jobs:
        if job.refuse and job.refuse == seen.seen[job.index].refuse:
            # The first look did not survive this file; nobody looks again.
            yield lost(job, plan.policy, plan.keyring, job.refuse)
    for job, result in pool.map(run_job, left, plan.limits.file_seconds):
        if isinstance(result, Lost):
            result = lost(job, plan.policy, plan.keyring, result.reason, result.detail)
        journal.write(result, _context(job, plan))
        yield result


def _settle_all(
    plan: Plan, seen: Survey, jobs: list[Job], results: Iterator[Done], progress: Progress
) -> dict[int, Settled]:
    duplicates = seen.duplicates()
    groups = {index: uid for uid, members in duplicates.items() for index in members}
    waiting: dict[str, list[Done]] = {}
    settled: dict[int, Settled] = {}
    sharing = Sharing()
    progress(0, len(jobs), None)
    for done in results:
        group = groups.get(done.index)
        ready = [done]
        if group is not None:
            waiting.setdefault(group, []).append(done)
            complete = len(waiting[group]) == len(duplicates[group])
            ready = _settle_duplicates(sorted(waiting.pop(group), key=lambda d: d.index)) if complete else []
        for item in ready:
            sharing.share(item.record)
            settled[item.index] = _settle(item, plan, seen)
            progress(len(settled), len(jobs), settled[item.index])
    return settled


def _settle_duplicates(group: list[Done]) -> list[Done]:
    """Files of one SOPInstanceUID: equal outputs are one file; anything else is withheld, because it is unclear which is right,
    also where only one of them could be cleaned."""
    released = [done for done in group if not done.reason]
    if len(group) < 2 or (
        len(released) == len(group) and len({done.record["output_sha256"] for done in released}) == 1
    ):
        return group
    for done in released:
        Path(done.part).unlink(missing_ok=True)
        done.output, done.part, done.reason = "", "", "duplicate-instance"
        done.record |= {"decision": "withheld", "reason": "duplicate-instance", "output_sha256": "", "output_bytes": 0}
    return group


def _settle(done: Done, plan: Plan, seen: Survey) -> Settled:
    uid = seen.seen[done.index].instance
    if done.reason:
        return Settled(done.index, uid, "", REASONS[done.reason].kind, done.reason, done.record)
    target = plan.output / done.output
    part = Path(done.part)
    if part.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        os.replace(part, target)
    elif not target.exists():
        raise FileNotFoundError("a finished file vanished from the output folder; run again without --resume")
    return Settled(done.index, uid, done.output, "released", "", done.record)


def _run_id(plan: Plan) -> str:
    return f"{ENGINE_VERSION}/{plan.policy.sha256}/{plan.keyring.key_id}"


def _context(job: Job, plan: Plan) -> str:
    """A keyed digest of what a result depends on beside the file's bytes: what the batch knows, and refuses."""
    known = "\n".join([job.refuse, job.patient, *sorted(job.known)])
    return plan.keyring.digest("journal", known).hex()[:32]


def _still_valid(entries: list[tuple[str, Done]], plan: Plan, seen: Survey, jobs: list[Job]) -> dict[int, Done]:
    """Results of an interrupted run that still hold: same engine, policy, key, batch, same bytes in, file still there."""
    finished: dict[int, Done] = {}
    for context, done in entries:
        if done.index >= len(jobs) or not done.input_sha256 or done.input_sha256 != seen.seen[done.index].sha256:
            continue
        if context != _context(jobs[done.index], plan):
            continue
        if done.output and not (Path(done.part).exists() or (plan.output / done.output).exists()):
            continue
        finished[done.index] = done
    return finished


def _take_back(plan: Plan, journal: Journal, finished: dict[int, Done]) -> None:
    """Remove what the interrupted run released and this one may not: OUTPUT is handed on."""
    kept = {done.output for done in finished.values()}
    for name in (*journal.outdated, *(done.output for _, done in journal.entries)):
        if name and name not in kept:
            (plan.output / name).unlink(missing_ok=True)
    journal.entries.clear()


def _sweep(incoming: Path, kept: set[str]) -> None:
    """Remove what an interrupted run left half written."""
    for path in incoming.iterdir():
        if str(path) not in kept:
            path.unlink(missing_ok=True)
