"""Whether a certificate is genuine, who signed it, and whether report and files are those it speaks of."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import read_file
from deid.outcome import Refusal
from deid.pixels.decode import decode_pixels
from deid.proof.canonical import NotCanonical, canonical, digest, merkle_root
from deid.proof.certificate import FORMAT, render
from deid.proof.destruction import FORMAT as DESTRUCTION_FORMAT
from deid.proof.signature import ALGORITHM, fingerprint, is_signed_by
from deid.report import chain_values
from deid.verify import pixel_sha256

LARGEST_CERTIFICATE = 512 * 1024 * 1024
_PARTS = {"format", "statement", "manifest", "seal", "signature"}
CERTIFICATE_FORMATS = (FORMAT, DESTRUCTION_FORMAT)
#: Papers of a portal with the same five parts: that a holder destroyed its copies, and the evidence of a batch or release.
ATTESTATION_FORMAT = "getdata-destruction-attestation/1"
PACK_FORMAT = "getdata-evidence-pack/1"
PORTAL_FORMATS = (ATTESTATION_FORMAT, PACK_FORMAT)


@dataclass
class Verdict:
    """What was found. `problems`: each a sentence that names the place; empty when all is as it was signed.

    signer: fingerprint of the key that signed, empty without a valid signature. trusted: whether it is the key that the
    verifier gave; None when none was given.
    """

    problems: list[str] = field(default_factory=list)
    signer: str = ""
    trusted: bool | None = None
    document: dict[str, Any] = field(default_factory=dict)

    @property
    def genuine(self) -> bool:
        """Whether nothing speaks against it."""
        return not self.problems


class _Duplicate(ValueError):
    pass


def check_certificate(
    raw: bytes, public_key: bytes | None = None, formats: Sequence[str] = (*CERTIFICATE_FORMATS, *PORTAL_FORMATS)
) -> Verdict:
    """Check a certificate's bytes, of one of these formats: all have the same five parts. Never raises for any content."""
    verdict = Verdict()
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates)
    except (ValueError, RecursionError):
        verdict.problems.append("certificate: not readable as JSON, or a name stands twice in it.")
        return verdict
    if not isinstance(document, dict) or document.get("format") not in formats or set(document) != _PARTS:
        verdict.problems.append(
            f"certificate: not a certificate of the format {' or '.join(formats)}, or a part of it is missing."
        )
        return verdict
    try:
        _check_seal(document, verdict)
        _check_manifest(document, verdict)
        _check_signature(document, public_key, verdict)
        if not verdict.problems and render(document) != raw:
            verdict.problems.append(
                "certificate: its bytes were changed (spacing, order or spelling), although what it says was not. "
                "Ask for the file as it was issued."
            )
    except (NotCanonical, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        verdict.problems.append("certificate: a part of it has a form that no certificate has.")
    if not verdict.problems:
        verdict.document = document
    return verdict


def _no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Duplicate
    return found


def _check_seal(document: dict[str, Any], verdict: Verdict) -> None:
    statement, seal = document["statement"], document["seal"]
    if set(seal) != {"format", "sections"} or seal["format"] != document["format"]:
        verdict.problems.append("seal: it was changed.")
        return
    for name in sorted(set(statement) | set(seal["sections"])):
        if name not in statement:
            verdict.problems.append(f"statement, section {name}: it was taken out.")
        elif name not in seal["sections"]:
            verdict.problems.append(f"statement, section {name}: it was added after sealing.")
        elif digest(statement[name]) != seal["sections"][name]:
            verdict.problems.append(f"statement, section {name}: it is not what was sealed.")


def _check_manifest(document: dict[str, Any], verdict: Verdict) -> None:
    said, rows = document["statement"]["manifest"], document["manifest"]
    if not isinstance(rows, list) or any(not _is_row(row) for row in rows):
        verdict.problems.append("manifest: a row has a form that no certificate has.")
    elif said["files"] != len(rows) or said["merkle_root"] != merkle_root(rows):
        verdict.problems.append("manifest: the list of files is not the one that was sealed.")


def _is_row(row: Any) -> bool:
    return isinstance(row, list) and len(row) == 3 and all(isinstance(cell, str) for cell in row)


def _check_signature(document: dict[str, Any], public_key: bytes | None, verdict: Verdict) -> None:
    block = document["signature"]
    if block is None:
        verdict.problems.append("signature: there is none, so nobody vouches for the certificate.")
        return
    if set(block) != {"algorithm", "fingerprint", "public_key", "value"} or block["algorithm"] != ALGORITHM:
        verdict.problems.append("signature: it was changed, or it is of a kind that is not known.")
        return
    public, value = _hexadecimal(block["public_key"]), _hexadecimal(block["value"])
    if not is_signed_by(public, canonical(document["seal"]), value):
        verdict.problems.append("signature: it does not fit the seal. Seal, key or signature were changed.")
        return
    if block["fingerprint"] != fingerprint(public):
        verdict.problems.append("signature: the fingerprint is not that of the key.")
        return
    verdict.signer = fingerprint(public)
    if public_key is not None:
        verdict.trusted = public_key == public
        if not verdict.trusted:
            verdict.problems.append(
                f"signature: signed by another key than the one given, whose fingerprint is {fingerprint(public_key)}."
            )


def _hexadecimal(text: object) -> bytes:
    """The bytes of lower-case hexadecimal digits; nothing for any other spelling, because there must be only one."""
    try:
        value = bytes.fromhex(str(text))
    except ValueError:
        return b""
    return value if value.hex() == text else b""


def check_report(raw: bytes, document: dict[str, Any]) -> list[str]:
    """What differs between a report file and the records a certificate speaks of, each located. Never raises."""
    said = document["statement"]["report"]
    try:
        report = json.loads(raw.decode("utf-8"), object_pairs_hook=_no_duplicates)
        records = report["records"]
        stored = [str(record["chain"]) for record in records]
        links = chain_values(records)
    except (ValueError, KeyError, TypeError, RecursionError):
        return ["report: not readable as a report, or a name stands twice in it."]
    problems = []
    for index, (kept, counted) in enumerate(zip(stored, links, strict=True)):
        if kept != counted:
            problems.append(f"report, record {index + 1}: it was changed.")
    if len(stored) != said["records"]:
        problems.append(f"report: {len(stored)} records, the certificate speaks of {said['records']}.")
    for index, (kept, wanted) in enumerate(zip(stored, said["links"], strict=False)):
        if kept[:16] != wanted:
            problems.append(
                f"report, record {index + 1}: this is the first that is not the one the certificate speaks of."
            )
            break
    else:
        if stored and stored[-1] != said["chain_head"]:
            problems.append(f"report, record {len(stored)}: it is not the one the certificate speaks of.")
    if not problems and said["file_sha256"] and hashlib.sha256(raw).hexdigest() != said["file_sha256"]:
        problems.append("report: its bytes were changed outside the records (summary or spacing).")
    return problems


@dataclass(frozen=True)
class FileChecks:
    """The outcome for a folder: counts, and a sentence for each difference."""

    unchanged: int
    problems: tuple[str, ...]
    extra: tuple[str, ...]


def check_files(manifest: Sequence[Sequence[str]], folder: Path, ignore: frozenset[Path] = frozenset()) -> FileChecks:
    """Compare a folder with a manifest: changed, missing and extra files by name. Raises OSError when a disk fails.

    ignore: resolved paths of files that belong to the proof itself (certificate, PDF, report).
    """
    wanted = {row[0]: (row[1], row[2]) for row in manifest}
    here = {path.relative_to(folder).as_posix(): path for path in _files(folder) if path.resolve() not in ignore}
    problems, unchanged = [], 0
    by_digest: dict[str, list[str]] = {}
    for name in sorted(set(here) - set(wanted)):
        by_digest.setdefault(_digest(here[name]), []).append(name)
    for name, (sha256, pixels) in sorted(wanted.items()):
        path = here.get(name)
        if path is None:
            elsewhere = by_digest.get(sha256)
            moved = f" The same file stands under {elsewhere[0]}." if elsewhere else ""
            problems.append(f"{name}: missing.{moved}")
        elif _digest(path) == sha256:
            unchanged += 1
        else:
            problems.append(f"{name}: changed. {_where(path, pixels)}")
    extra = [f"{name}: extra, not in the manifest." for name in sorted(set(here) - set(wanted))]
    return FileChecks(unchanged, tuple(problems), tuple(extra))


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.is_symlink() or path.is_file())


def _digest(path: Path) -> str:
    if path.is_symlink():
        return "a link"
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _where(path: Path, wanted: str) -> str:
    """Whether the image itself or only what surrounds it was changed."""
    try:
        if path.is_symlink():
            return "A link stands in its place."
        file = read_file(path.read_bytes())
        pixels = decode_pixels(file.dataset, file.syntax, DEFAULT_LIMITS)
    except (Refusal, OSError):
        return "It can no longer be read as an image."
    same = pixel_sha256(pixels.values) == wanted
    return "Its pixels are unchanged, so the change is in its header." if same else "Its pixels are not the same."
