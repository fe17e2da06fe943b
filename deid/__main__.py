"""The command: python -m deid INPUT OUTPUT --policy NAME_OR_FILE --key-file KEY --map MAP.csv --report REPORT.json,
and the sub-commands verify-certificate and make-signing-key."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from deid.batch.guard import DEFAULT_WORK_LIMITS
from deid.batch.pool import WorkerFailure
from deid.batch.run import Plan, Settled, finish_batch, run_batch
from deid.keyring import KeyProblem, read_key_file
from deid.policy import PolicyError, load_policy, shipped_policies
from deid.proof.canaries import Measured, NotMeasured
from deid.proof.certificate import utc_instant
from deid.proof.command import certify_run, is_subcommand, run_subcommand
from deid.proof.run import measure_batch
from deid.proof.signature import SigningKey, SigningKeyProblem, read_signing_key
from deid.reasons import REASONS
from deid.report import build_report, write_map, write_report

EXIT_RELEASED, EXIT_FAILURE, EXIT_USAGE, EXIT_WITHHELD = 0, 1, 2, 3


def build_parser() -> argparse.ArgumentParser:
    """The command line; its contract does not change."""
    parser = argparse.ArgumentParser(
        prog="python -m deid",
        description="De-identify chest radiographs (CR, DX, secondary capture) after DICOM PS3.15 Annex E.",
        epilog="Exit status: 0 all released, 3 some withheld, 2 usage, 1 failure. MAP holds original UIDs: keep it secret. "
        "Two sub-commands stand beside this one: verify-certificate CERT.json and make-signing-key FILE (each with --help). "
        "A folder of such a name is still taken for INPUT where --key-file or --map is given, or when written as ./NAME.",
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
    proof = parser.add_argument_group("proof")
    proof.add_argument(
        "--certificate",
        type=Path,
        metavar="CERT.json",
        help="write a certificate of the run, and a PDF of it beside it",
    )
    proof.add_argument(
        "--signing-key",
        type=Path,
        metavar="FILE",
        help="key from make-signing-key; without it the certificate is unsigned",
    )
    proof.add_argument(
        "--canaries", type=int, metavar="N",
        help="images to copy, in memory, with planted synthetic identities that measure recall (default: 3 %% of those "
        "released, at least 5, at most 60; 0 switches the measurement off)",
    )  # fmt: skip
    proof.add_argument(
        "--issued-at", metavar="ISO", help="date and time of issue, such as 2026-03-01T12:00:00Z (default: now)"
    )
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if is_subcommand(words):
        return run_subcommand(words)
    options = build_parser().parse_args(words)
    console = Console(stderr=True)
    try:
        proof = _proof(options)
        plan = _plan(options)
    except (PolicyError, KeyProblem, SigningKeyProblem, _Usage) as problem:
        console.print(f"deid: {problem}", markup=False, highlight=False, soft_wrap=True)
        return EXIT_USAGE
    try:
        settled = _run(plan, console, options.verbose)
        write_map(options.map, settled)
        report = build_report(settled, plan.policy, plan.keyring.key_id)
        write_report(options.report, report)
        if proof is not None:
            canaries = _measure(plan, settled, proof, console)
            certify_run(proof.path, plan, settled, canaries, report, issued_at=proof.issued_at, key=proof.key)
            _tell_proof(console, proof, canaries)
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


@dataclass(frozen=True)
class _Proof:
    """What the proof options ask for."""

    path: Path
    key: SigningKey | None
    canaries: int | None
    issued_at: str


def _proof(options: argparse.Namespace) -> _Proof | None:
    if options.certificate is None:
        for name in ("signing_key", "canaries", "issued_at"):
            if getattr(options, name) is not None:
                raise _Usage(f"--{name.replace('_', '-')} belongs to a certificate. Add --certificate CERT.json.")
        return None
    if options.certificate.suffix.lower() == ".pdf":
        raise _Usage("--certificate names the JSON file; the PDF is written beside it. Give a name such as CERT.json.")
    if options.canaries is not None and options.canaries < 0:
        raise _Usage("--canaries must be 0 or more.")
    try:
        issued_at = utc_instant(options.issued_at or datetime.now(UTC).isoformat())
    except ValueError:
        raise _Usage("--issued-at is no ISO 8601 date and time. Write it like 2026-03-01T12:00:00Z.") from None
    key = read_signing_key(options.signing_key) if options.signing_key is not None else None
    return _Proof(options.certificate.resolve(), key, options.canaries, issued_at)


def _measure(plan: Plan, settled: list[Settled], proof: _Proof, console: Console) -> Measured | NotMeasured:
    columns = (TextColumn("Measuring with canaries"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("copies", total=None)
        return measure_batch(
            plan, settled, proof.canaries, lambda done, total: bar.update(task, completed=done, total=total)
        )


def _tell_proof(console: Console, proof: _Proof, canaries: Measured | NotMeasured) -> None:
    if isinstance(canaries, NotMeasured):
        console.print(f"Canaries: not measured. {canaries.reason}", markup=False, highlight=False, soft_wrap=True)
    elif canaries.missed:
        console.print(
            f"WARNING: {canaries.missed} planted synthetic values survived. Do not hand the batch on before the places "
            "named in the certificate are understood.",
            highlight=False, soft_wrap=True,
        )  # fmt: skip
    else:
        planted = sum(tally[0] for tally in canaries.kinds.values())
        console.print(f"Canaries: {planted} planted, none survived.", highlight=False)
    if proof.key is None:
        console.print(
            "The certificate is not signed, so nobody vouches for it. Make a key with: python -m deid make-signing-key FILE",
            highlight=False, soft_wrap=True,
        )  # fmt: skip


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
    written = [options.map, options.report]
    if options.certificate is not None:
        written += [options.certificate, options.certificate.with_suffix(".pdf")]
    if len({path.resolve() for path in written}) < len(written):
        raise _Usage("MAP, REPORT and the certificate need names of their own. Choose different ones.")
    for path in written:
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
