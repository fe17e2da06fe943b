"""Running a batch: survey, workers, duplicates settled, files renamed into place, map and report written."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path

from deid.batch.intake import Source, list_sources
from deid.batch.survey import Survey, survey
from deid.batch.work import Done, Job, crashed, run_job, start_worker
from deid.engine import ENGINE_VERSION
from deid.keyring import Keyring
from deid.policy import Policy
from deid.reasons import REASONS


@dataclass(frozen=True)
class Plan:
    """Where a batch comes from and goes to."""

    source: Path
    output: Path
    map_path: Path
    report_path: Path
    policy: Policy
    keyring: Keyring
    workers: int = 1
    resume: bool = False


@dataclass(frozen=True)
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
    """De-identify everything under plan.source. Raises OSError when a disk fails; files already released stay valid."""
    sources = list_sources(plan.source)
    seen = survey(sources, plan.keyring)
    incoming = plan.output / ".incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    journal = plan.map_path.with_name(plan.map_path.name + ".journal")
    finished = _read_journal(journal, plan, seen) if plan.resume else {}
    jobs = [_job(index, source, seen, incoming) for index, source in enumerate(sources)]
    groups = {index: uid for uid, members in seen.duplicates().items() for index in members}
    waiting: dict[str, list[Done]] = {}
    sizes = {uid: len(members) for uid, members in seen.duplicates().items()}
    settled: dict[int, Settled] = {}
    progress(0, len(jobs), None)
    with _open_private(journal, append=plan.resume) as log:
        for done in _all_done(plan, jobs, finished):
            if done.index not in finished:
                log.write(json.dumps({"run": _run_id(plan), **asdict(done)}, sort_keys=True) + "\n")
                log.flush()
            group = groups.get(done.index)
            ready = [done]
            if group is not None:
                waiting.setdefault(group, []).append(done)
                ready = waiting[group] if len(waiting[group]) == sizes[group] else []
                ready = _settle_duplicates(ready)
            for item in ready:
                settled[item.index] = _settle(item, plan, seen)
                progress(len(settled), len(jobs), settled[item.index])
    shutil.rmtree(incoming, ignore_errors=True)
    ordered = [settled[index] for index in range(len(jobs))]
    journal.unlink(missing_ok=True)
    return ordered


def _job(index: int, source: Source, seen: Survey, incoming: Path) -> Job:
    facts = seen.seen[index]
    refuse = "two-patient-ids" if facts.study in seen.conflicting_studies else ""
    return Job(index, source, seen.known.get(facts.patient, frozenset()), str(incoming), refuse)


def _all_done(plan: Plan, jobs: list[Job], finished: dict[int, Done]) -> Iterator[Done]:
    yield from finished.values()
    left = [job for job in jobs if job.index not in finished]
    if plan.workers <= 1 or len(left) <= 1:
        start_worker(plan.policy, plan.keyring)
        for job in left:
            yield run_job(job)
        return
    yield from _pooled(plan, left)


def _pooled(plan: Plan, jobs: list[Job]) -> Iterator[Done]:
    """Many workers; when one dies, the files then in hand are tried again one by one, and the one that kills
    is withheld."""
    context = multiprocessing.get_context("spawn")
    left = {job.index: job for job in jobs}
    try:
        with ProcessPoolExecutor(
            plan.workers, mp_context=context, initializer=start_worker, initargs=(plan.policy, plan.keyring)
        ) as pool:
            futures = [pool.submit(run_job, job) for job in jobs]
            for future in as_completed(futures):
                done = future.result()
                del left[done.index]
                yield done
    except BrokenProcessPool:
        pass
    for job in list(left.values()):
        try:
            with ProcessPoolExecutor(
                1, mp_context=context, initializer=start_worker, initargs=(plan.policy, plan.keyring)
            ) as pool:
                yield pool.submit(run_job, job).result()
        except BrokenProcessPool:
            yield crashed(job, plan.policy, plan.keyring)


def _settle_duplicates(group: list[Done]) -> list[Done]:
    """Files of one SOPInstanceUID: equal outputs are one file; anything else is withheld, because it is
    unclear which is right."""
    if len(group) < 2:
        return group
    released = [done for done in group if not done.reason]
    if len({done.record["output_sha256"] for done in released}) <= 1:
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


def _read_journal(journal: Path, plan: Plan, seen: Survey) -> dict[int, Done]:
    """Results of an interrupted run that still hold: same engine, policy, key, same bytes in, file still there."""
    finished: dict[int, Done] = {}
    if not journal.exists():
        return finished
    by_digest: dict[str, list[int]] = {}
    for index, facts in enumerate(seen.seen):
        by_digest.setdefault(facts.sha256, []).append(index)
    for line in journal.read_text(encoding="utf-8").splitlines():
        try:
            entry = json.loads(line)
            run = entry.pop("run")
            done = Done(**entry)
        except (ValueError, TypeError, KeyError):
            continue  # the line that was being written when the run was cut
        if (
            run != _run_id(plan)
            or done.index >= len(seen.seen)
            or done.index not in by_digest.get(done.input_sha256, [])
        ):
            continue
        facts = seen.seen[done.index]
        conflict = facts.study in seen.conflicting_studies
        if conflict != (done.reason == "two-patient-ids"):
            continue
        if done.output and not (Path(done.part).exists() or (plan.output / done.output).exists()):
            continue
        finished[done.index] = done
    return finished


def _open_private(path: Path, *, append: bool):  # type: ignore[no-untyped-def]
    """A text file only its owner can read, from the first byte on."""
    flags = os.O_WRONLY | os.O_CREAT | (os.O_APPEND if append else os.O_TRUNC)
    descriptor = os.open(path, flags, 0o600)
    os.chmod(path, 0o600)
    return os.fdopen(descriptor, "a" if append else "w", encoding="utf-8", newline="")
