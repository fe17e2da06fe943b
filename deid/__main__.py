"""The command: python -m deid INPUT OUTPUT --policy NAME_OR_FILE --key-file KEY --map MAP.csv --report REPORT.json."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from deid.batch.guard import DEFAULT_WORK_LIMITS
from deid.batch.pool import WorkerFailure
from deid.batch.run import Plan, Settled, finish_batch, run_batch
from deid.keyring import KeyProblem, read_key_file
from deid.policy import PolicyError, load_policy, shipped_policies
from deid.reasons import REASONS
from deid.report import build_report, write_map, write_report

EXIT_RELEASED, EXIT_FAILURE, EXIT_USAGE, EXIT_WITHHELD = 0, 1, 2, 3


def build_parser() -> argparse.ArgumentParser:
    """The command line; its contract does not change."""
    parser = argparse.ArgumentParser(
        prog="python -m deid",
        description="De-identify chest radiographs (CR, DX, secondary capture) after DICOM PS3.15 Annex E.",
        epilog="Exit status: 0 all released, 3 some withheld, 2 usage, 1 failure. MAP holds original UIDs: keep it secret.",
    )
    parser.add_argument("input", type=Path, help="a DICOM file, a zip archive, or a folder of any nesting")
    parser.add_argument("output", type=Path, help="folder for the clean files; made when absent")
    parser.add_argument(
        "--policy", default="cxr-research", help=f"policy file or one of: {', '.join(shipped_policies())}"
    )
    parser.add_argument(
        "--key-file", type=Path, required=True, help="secret of at least 32 bytes, or 64 hexadecimal digits"
    )
    parser.add_argument(
        "--map", type=Path, required=True, help="CSV of original to new instances; written with mode 0600"
    )
    parser.add_argument("--report", type=Path, required=True, help="JSON report without any header value")
    parser.add_argument("--workers", type=int, default=1, help="processes to use (default 1)")
    parser.add_argument(
        "--file-timeout",
        type=int,
        default=DEFAULT_WORK_LIMITS.file_seconds,
        help="processor seconds one file may take before it is withheld (default %(default)s)",
    )
    parser.add_argument("--resume", action="store_true", help="go on with an interrupted run")
    parser.add_argument("--verbose", action="store_true", help="one line a file")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    options = build_parser().parse_args(arguments)
    console = Console(stderr=True)
    try:
        plan = _plan(options)
    except (PolicyError, KeyProblem, _Usage) as problem:
        console.print(f"deid: {problem}", markup=False, highlight=False, soft_wrap=True)
        return EXIT_USAGE
    try:
        settled = _run(plan, console, options.verbose)
        write_map(options.map, settled)
        write_report(options.report, build_report(settled, plan.policy, plan.keyring.key_id))
        finish_batch(plan)
    except WorkerFailure as problem:
        console.print(f"deid: {problem}", markup=False, highlight=False, soft_wrap=True)
        return EXIT_FAILURE
    except OSError as problem:
        console.print(
            f"deid: the disk refused ({problem.strerror or type(problem).__name__}). Mend it and use --resume."
        )
        return EXIT_FAILURE
    withheld = sum(1 for item in settled if item.status != "released")
    console.print(f"{len(settled) - withheld} released, {withheld} withheld, of {len(settled)} files.", highlight=False)
    return EXIT_WITHHELD if withheld else EXIT_RELEASED


class _Usage(ValueError):
    """Something about the arguments is wrong; the message says what to change."""


def _plan(options: argparse.Namespace) -> Plan:
    if not options.input.exists():
        raise _Usage("INPUT does not exist. Give a DICOM file, a zip archive or a folder.")
    if options.workers < 1:
        raise _Usage("--workers must be at least 1.")
    if options.file_timeout < 1:
        raise _Usage("--file-timeout must be at least 1 second.")
    source, output = options.input.resolve(), options.output.resolve()
    if output == source or source in output.parents or (source.is_dir() and output in source.parents):
        raise _Usage("OUTPUT and INPUT must not lie inside each other. Choose another OUTPUT.")
    if output.exists() and not output.is_dir():
        raise _Usage("OUTPUT exists and is no folder. Choose another OUTPUT.")
    for path in (options.map, options.report):
        resolved = path.resolve()
        if not resolved.parent.is_dir():
            raise _Usage(f"{path.name}: its folder does not exist. Make it first.")
        if resolved.is_dir():
            raise _Usage(f"{path.name} is a folder. Give a file name.")
        if source.is_dir() and source in resolved.parents:
            raise _Usage(f"{path.name} must not lie inside INPUT. Choose another place.")
    if output in options.map.resolve().parents:
        raise _Usage("MAP must not lie inside OUTPUT: OUTPUT is handed on, MAP is secret. Choose another place.")
    policy = load_policy(options.policy)
    try:
        keyring = read_key_file(str(options.key_file))
    except OSError as problem:
        raise _Usage(f"the key file cannot be read ({problem.strerror}). Give --key-file a readable file.") from problem
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise _Usage(f"OUTPUT cannot be made ({problem.strerror}). Choose another OUTPUT.") from problem
    return Plan(
        source,
        output,
        options.map.resolve(),
        options.report.resolve(),
        policy,
        keyring,
        options.workers,
        options.resume,
        replace(DEFAULT_WORK_LIMITS, file_seconds=options.file_timeout),
    )


def _run(plan: Plan, console: Console, verbose: bool) -> list[Settled]:
    if verbose or not console.is_terminal:

        def tell(count: int, total: int, item: Settled | None) -> None:
            if verbose and item is not None:
                console.print(_line(count, total, item), markup=False, highlight=False, soft_wrap=True)

        return run_batch(plan, tell)
    columns = (
        TextColumn("De-identifying"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console) as bar:
        task = bar.add_task("files", total=None)
        return run_batch(plan, lambda count, total, item: bar.update(task, completed=count, total=total))


def _line(count: int, total: int, item: Settled) -> str:
    """One line without any value of the file: our own name for it, or the reason it was withheld."""
    if item.status == "released":
        masks = item.record.get("masks")
        boxes = len(masks) if isinstance(masks, list) else 0
        return f"[{count}/{total}] released {item.output} ({boxes} masks)"
    return f"[{count}/{total}] {item.status}: {item.reason}. {REASONS[item.reason].cause}"


if __name__ == "__main__":
    sys.exit(main())
