"""The sub-commands of `python -m deid` that concern proof, and the writing of a certificate after a run."""

from __future__ import annotations

import argparse
import hashlib
import os
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from deid.batch.run import Plan, Settled
from deid.proof.canaries import Measured, NotMeasured
from deid.proof.certificate import BatchFacts, ReportFacts, build_certificate, render
from deid.proof.check import LARGEST_CERTIFICATE, check_certificate, check_files, check_report
from deid.proof.signature import SigningKey, SigningKeyProblem, read_public_key, write_key_files

EXIT_GENUINE, EXIT_FAILURE, EXIT_USAGE, EXIT_NOT_GENUINE = 0, 1, 2, 3
SUBCOMMANDS = ("verify-certificate", "make-signing-key")


def is_subcommand(arguments: Sequence[str]) -> bool:
    """Whether the first word is a sub-command rather than an INPUT of that name.

    De-identification cannot be asked for without --key-file and --map, and no sub-command takes either: where one of
    them stands, the word is a folder's name. "./verify-certificate" is always a folder.
    """
    if not arguments or arguments[0] not in SUBCOMMANDS:
        return False
    return not any(word.startswith(("--k", "--m")) for word in arguments[1:])


def run_subcommand(arguments: Sequence[str]) -> int:
    """Run one of SUBCOMMANDS; returns the exit status. The answer goes to standard output, errors of usage to the other."""
    command = {"verify-certificate": _verify, "make-signing-key": _make_key}[arguments[0]]
    return command(arguments[1:], Console())


def _make_key(arguments: Sequence[str], console: Console) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m deid make-signing-key",
        description="Make an Ed25519 key to sign certificates with. FILE is the private key (PEM, mode 0600): keep it secret "
        "and back it up. FILE.pub is the public key: hand it to whoever shall verify.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="where the private key goes; never overwritten")
    options = parser.parse_args(arguments)
    try:
        public, print_ = write_key_files(options.file)
    except SigningKeyProblem as problem:
        return _usage(str(problem))
    _say(console, f"Private key: {options.file} (mode 0600, keep it secret).")
    _say(console, f"Public key: {public} (hand it on).")
    _say(console, f"Fingerprint: {print_}")
    return EXIT_GENUINE


def verify_parser() -> argparse.ArgumentParser:
    """The command line of verify-certificate."""
    parser = argparse.ArgumentParser(
        prog="python -m deid verify-certificate",
        description="Say whether a certificate is as it was signed, by whom, and whether files and report are those it "
        "speaks of.",
        epilog="Exit status: 0 genuine and nothing differs, 3 not genuine or something differs, 2 usage.",
    )
    parser.add_argument(
        "certificate", type=Path, metavar="CERT.json", help="the certificate (the JSON file, not the PDF)"
    )
    parser.add_argument(
        "--public-key", type=Path, metavar="FILE",
        help="the public key you trust (.pub, or 64 hexadecimal digits); without it the signer is named, not trusted",
    )  # fmt: skip
    parser.add_argument(
        "--files", type=Path, metavar="OUTPUT", help="folder of clean files to compare with the manifest"
    )
    parser.add_argument(
        "--ignore-extra", action="store_true",
        help="files that the manifest does not list are no difference (a release holds documents besides)",
    )  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="REPORT.json", help="report to compare with the certificate")
    return parser


def _verify(arguments: Sequence[str], console: Console) -> int:
    options = verify_parser().parse_args(arguments)
    try:
        public = read_public_key(options.public_key) if options.public_key else None
        raw = _read(options.certificate)
        report = _read(options.report) if options.report else None
    except (SigningKeyProblem, _Unreadable) as problem:
        return _usage(str(problem))
    if options.files is not None and not options.files.is_dir():
        return _usage(f"{options.files.name}: no such folder. Give --files the folder of clean files.")
    verdict = check_certificate(raw, public)
    if not verdict.genuine:
        _say(console, f"NOT GENUINE: {options.certificate.name}")
        _say_all(console, verdict.problems)
        if verdict.signer:
            _say(console, f"Signed by key {verdict.signer}.")
        return EXIT_NOT_GENUINE
    _say(console, f"GENUINE: {options.certificate.name} is as it was signed.")
    _tell_signer(console, verdict.signer, verdict.trusted)
    _tell_statement(console, verdict.document["statement"])
    problems: list[str] = []
    if "report" not in verdict.document["statement"] and (report is not None or options.files is not None):
        return _usage(
            "this paper speaks of no folder of clean files: there are no files and no report to compare it with."
        )
    if report is not None:
        found = check_report(report, verdict.document)
        problems += found
        if not found:
            _say(console, f"Report: unchanged, {verdict.document['statement']['report']['records']} records.")
    if options.files is not None:
        problems += _compare(console, options, verdict.document)
    if problems:
        _say(console, f"DIFFERENCES: {len(problems)}")
        _say_all(console, problems)
        return EXIT_NOT_GENUINE
    return EXIT_GENUINE


def _compare(console: Console, options: argparse.Namespace, document: Mapping[str, Any]) -> list[str]:
    proof = [
        options.certificate,
        options.certificate.with_suffix(".pdf"),
        *([options.report] if options.report else []),
    ]
    try:
        checked = check_files(document["manifest"], options.files, frozenset(path.resolve() for path in proof))
    except OSError as problem:
        return [f"a file cannot be read ({problem.strerror}). Make the folder readable and run again."]
    _say(console, f"Files: {checked.unchanged} of {len(document['manifest'])} unchanged.")
    return [*checked.problems, *(() if options.ignore_extra else checked.extra)]


def _tell_signer(console: Console, signer: str, trusted: bool | None) -> None:
    if trusted:
        _say(console, f"Signed by the key you trust, fingerprint {signer}.")
        return
    _say(console, f"Signed by key {signer}.")
    _say(
        console, "Whose key that is cannot be told from the certificate: compare the fingerprint, or give --public-key."
    )


def _tell_statement(console: Console, statement: Mapping[str, Any]) -> None:
    if "occasion" in statement:
        _tell_destruction(console, statement)
        return
    issue = statement["issue"]
    if "canaries" not in statement:  # an attestation of destruction or an evidence pack
        of = ", ".join(f"{name} {value}" for name, value in sorted(issue["subject"].items()))
        _say(console, f"Issued {issue['issued_at']} by {issue['issuer']}, about {of}.")
        _say(console, f"It speaks of {statement['manifest']['files']} files.")
        return
    counts, canaries = statement["counts"], statement["canaries"]
    _say(console, f"Issued {issue['issued_at']} by {issue['issuer']}, policy {statement['policy']['label']}.")
    _say(
        console, f"{counts['released']} released, {counts['withheld']} withheld. Class: {statement['class']['class']}."
    )
    if canaries["measured"]:
        planted = sum(kind["planted"] for kind in canaries["by_kind"])
        _say(console, f"Canaries: {planted} planted, {canaries['missed']} survived.")
    else:
        _say(console, f"Canaries: not measured. {canaries['reason']}")


def _tell_destruction(console: Console, statement: Mapping[str, Any]) -> None:
    issue, counts = statement["issue"], statement["counts"]
    _say(console, f"Issued {issue['issued_at']} by {issue['issuer']}: originals were destroyed.")
    _say(console, f"{counts['originals']} originals, {counts['bytes']} bytes. Why: {statement['occasion']['why']}.")


class _Unreadable(ValueError):
    """A file cannot be read; the message names it and the remedy."""


def _read(path: Path) -> bytes:
    try:
        if path.stat().st_size > LARGEST_CERTIFICATE:
            raise _Unreadable(f"{path.name}: too large. Give the JSON file.")
        return path.read_bytes()
    except OSError as problem:
        raise _Unreadable(f"{path.name}: cannot be read ({problem.strerror}). Give a readable file.") from problem


def _usage(message: str) -> int:
    _say(Console(stderr=True), f"deid: {message}")
    return EXIT_USAGE


def _say(console: Console, line: str) -> None:
    console.print(line, markup=False, highlight=False, soft_wrap=True)


def _say_all(console: Console, lines: Sequence[str]) -> None:
    for line in lines:
        _say(console, f"  - {line}")


# --- after a run -----------------------------------------------------------------------------------------------------


def certify_run(
    path: Path,
    plan: Plan,
    settled: Sequence[Settled],
    canaries: Measured | NotMeasured,
    report: Mapping[str, Any],
    *,
    issued_at: str,
    key: SigningKey | None,
) -> None:
    """Write CERT.json and the PDF beside it, once REPORT.json is written. Raises OSError when the disk refuses."""
    from deid.proof.pdf import certificate_pdf

    facts = BatchFacts(
        policy=plan.policy,
        key_id=plan.keyring.key_id,
        issued_at=issued_at,
        released=[{**item.record, "output": item.output} for item in settled if item.status == "released"],
        withheld=Counter(item.reason for item in settled if item.status != "released"),
        canaries=canaries,
        report=ReportFacts(
            tuple(str(record["chain"]) for record in report["records"]),
            hashlib.sha256(plan.report_path.read_bytes()).hexdigest(),
        ),
    )
    document = build_certificate(facts, key)
    write_whole(path, render(document))
    write_whole(path.with_suffix(".pdf"), certificate_pdf(document))


def write_whole(path: Path, data: bytes) -> None:
    """Write a file under a temporary name and rename it into place."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=".deid-")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise
