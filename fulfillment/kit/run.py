"""A whole check: files found, archives opened, originals shared out to processes, verdicts settled, tables read, all put together."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from deid import Zone
from fulfillment.conformance import ImageFacts, check_batch, fill_quotas
from fulfillment.duplicates.folder import Comparison, Pair
from fulfillment.duplicates.processes import shared_out
from fulfillment.kit.archives import opened
from fulfillment.kit.aside import set_aside
from fulfillment.kit.folder import files_below
from fulfillment.kit.labels import Images, Said, judge_labels
from fulfillment.kit.look import DIED, Task, look
from fulfillment.kit.outcome import Outcome
from fulfillment.kit.pictures import Rows
from fulfillment.kit.preview import Preview
from fulfillment.kit.quality import judge_quality
from fulfillment.kit.reports import Reports, Studies, judge_reports
from fulfillment.kit.settled import Settled, settle
from fulfillment.kit.sources import Source, source_of
from fulfillment.kit.state import State
from fulfillment.verdict.pictures import object_of
from requests_app.spec import DatasetSpec, spec_sha256

Progress = Callable[[str, int, int], None]
_KEEP_EVERY = 8


@dataclass(frozen=True)
class Check:
    """What is to be checked and how. ``without``: files and folders below ``folder`` that are the kit's own. ``workers``: processes,
    or 0 for this one, where a decoder that crashes takes everything with it.
    """

    folder: Path = field(repr=False)
    spec: DatasetSpec = field(repr=False)
    site: str = ""
    workers: int = 1
    near: bool = True
    without: Collection[Path] = ()


def run_check(check: Check, state: State, progress: Progress) -> Outcome:
    """Everything about the folder. Raises ``OSError`` when the disk refuses."""
    found, archives = _sources(check, state, progress)
    instances = [source for source in found if source.kind == "instance"]
    rows = Rows(check.spec.delivery.pictures)
    beside = [rows.take(source) for source in found if source.kind == "pictures"]
    beside += [set_aside(source) for source in found if source.kind == "aside"]
    _look_at(instances, check, state, rows, progress)
    preview = Preview(check.spec.deidentification.policy.value)
    files: list[Settled] = []
    for number, one in enumerate(settle(instances, state, lambda *known: look(_task(check, state, rows, *known))), 1):
        preview.add(one.verdict)
        files.append(one)
        progress("settling", number, len(instances))
    images = Images.of(files, state)
    said: Said = {}
    reports = Reports()
    tables = [source for source in found if source.kind == "labels"]
    files += [judge_labels(source, check.spec.taxonomy(), images, said) for source in tables]
    studies = Studies.of(files, images)
    files += [
        judge_reports(source, studies, images, reports, lambda one: _original(one, check, rows))
        for source in found
        if source.kind == "reports"
    ]
    files = sorted([*files, *archives, *beside], key=lambda one: one.number)
    passed = [one for one in files if one.source.kind == "instance" and one.passed]
    facts = [_in_context(one, check, said, reports) for one in passed]
    return Outcome(
        title=check.spec.title,
        spec_sha256=spec_sha256(check.spec),
        site=check.site,
        files=files,
        quotas=fill_quotas(facts, check.spec),
        remarks=check_batch(facts, check.spec),
        quality=judge_quality(passed, check.spec, said),
        preview=preview,
        reports=reports,
        near=list(_near(passed, check, progress)) if check.near else [],
        resumed=state.resumed,
    )


def _sources(check: Check, state: State, progress: Progress) -> tuple[list[Source], list[Settled]]:
    """Every file that is looked at, and every archive with its verdict."""
    names = files_below(check.folder, without=check.without)
    numbers, pictures = count(1), check.spec.delivery.pictures
    found: list[Source] = []
    archives: list[Settled] = []
    for place, shown in enumerate(names, 1):
        source = source_of(next(numbers), shown, check.folder / shown, shown=shown, pictures=pictures)
        if source.kind == "archive" and source.fault is None:
            for one in opened(source, state.unpacked, lambda: next(numbers), pictures=pictures):
                if isinstance(one, Source):
                    found.append(one)
                else:
                    archives.append(one)
        else:
            found.append(source)
        progress("finding files", place, len(names))
    # A table that cannot be read is told like any other file.
    broken = [one for one in found if one.fault is not None and one.kind != "instance"]
    archives += [Settled(one, "rejected", one.fault["code"], [one.fault]) for one in broken if one.fault]
    return [one for one in found if one not in broken], archives


def _look_at(instances: list[Source], check: Check, state: State, rows: Rows, progress: Progress) -> None:
    """Look at every original that no earlier run looked at; verdicts are written down as they come."""
    todo = [source for source in instances if source.fault is None and not state.knows(source)]
    done = len(instances) - len(todo)
    tasks = [_task(check, state, rows, source) for source in todo]
    seen = shared_out(look, tasks, jobs=check.workers) if check.workers else ((task, look(task)) for task in tasks)
    fresh = []
    for number, (source, (_, verdict)) in enumerate(zip(todo, seen, strict=True), 1):
        died = {"status": "failed", "reason": DIED["code"], "findings": [DIED]}
        fresh.append((source, verdict if verdict is not None else died))
        if len(fresh) >= _KEEP_EVERY or number == len(todo):
            state.keep(fresh)
            fresh = []
        progress("checking", done + number, len(instances))


def _task(check: Check, state: State, rows: Rows, source: Source, zones: tuple[Zone, ...] = ()) -> Task:
    return Task(str(source.path), check.spec, state.keyring, rows.of(source), zones)


def _original(source: Source, check: Check, rows: Rows) -> bytes:
    """A file's bytes as DICOM."""
    return object_of(source.path.read_bytes(), check.spec, lambda: rows.of(source))


def _in_context(one: Settled, check: Check, said: Said, reports: Reports) -> ImageFacts:
    """An image's facts with what is known beside it, as the portal adds it."""
    statements = said.get(one.number)
    return one.facts.with_context(
        site=check.site or None,
        statements=None if statements is None else dict(statements),
        report_linked=str(one.verdict["facts"].get("study_uid") or "") in reports.linked,
    )


def _near(passed: list[Settled], check: Check, progress: Progress) -> Iterator[Pair]:
    """Pairs of images that fit and show one picture. They are told by number: the report has the names."""
    by_path = {str(one.source.path.absolute()): one for one in passed}
    comparison = Comparison(Path("/"), jobs=check.workers, progress=progress)
    comparison.read(list(by_path))
    for pair in comparison.pairs():
        numbers = sorted(by_path[path].number for path in (pair.file_a, pair.file_b))
        yield Pair(str(numbers[0]), str(numbers[1]), pair.kind, pair.distance, pair.inliers, pair.verified)
