"""Whether a paper that somebody shows is the portal's own, what it says, and where it was altered. Nothing of it is kept.

Whoever asks needs no account, so an answer is made from what they show alone. Of a manifest it is said whether these very lines were
published; a line that is theirs and not ours is named, a line that is ours and not theirs is only counted.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from deid.proof.certificate import FORMAT as CERTIFICATE
from deid.proof.destruction import FORMAT as DESTRUCTION
from fulfillment.evidence import ATTESTATION, FORMATS, PACK, check_document
from fulfillment.models import Release, ReleaseFile, ReleaseStatus
from fulfillment.services.certificates import signing_key
from getdata.trust.signing import public_key_of

#: Bytes of the largest paper that is looked at here; larger ones are checked at home.
LARGEST = 16 * 1024 * 1024
MANIFEST = "manifest-sha256.txt"
KINDS = {
    CERTIFICATE: "Certificate of de-identification",
    DESTRUCTION: "Certificate of destruction",
    ATTESTATION: "Attestation of destruction",
    PACK: "Evidence pack",
}
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_MOST = 50
#: Lines of a manifest that are looked up to find the release it may be of.
_PROBES = 12


@dataclass
class Answer:
    """``verdict``: genuine, altered, foreign (another key signed it) or unknown. ``places`` are sentences; ``facts`` what it says,
    only where it is genuine. ``advice`` says what to do next."""

    verdict: str
    kind: str = ""
    places: list[str] = field(default_factory=list)
    facts: list[tuple[str, str]] = field(default_factory=list)
    advice: str = ""
    signer: str = ""
    more: int = 0


def verify_paper(raw: bytes, *, pasted: bool = False) -> Answer:
    """The answer for the bytes of a file, or for text that was ``pasted`` (line ends and blanks at its end are the browser's)."""
    if pasted:
        raw = raw.replace(b"\r\n", b"\n").strip() + b"\n"
    if not raw.strip():
        return Answer("unknown", advice="It is empty. Drop a file or paste its whole text.")
    if raw.startswith(b"%PDF"):
        return Answer(
            "unknown", advice="This is a reading copy. What is signed is the JSON file of the same name: drop that one."
        )
    if raw.lstrip()[:1] == b"{":
        return _document(raw)
    lines = [_LINE.fullmatch(line) for line in raw.decode("utf-8", "replace").splitlines() if line.strip()]
    if lines and sum(line is not None for line in lines) * 2 > len(lines):
        return _manifest(raw, lines)
    return Answer(
        "unknown",
        advice="It is none of the papers that this portal issues: a certificate, an attestation or an evidence pack (JSON), or the "
        f"{MANIFEST} of a release.",
    )


def _document(raw: bytes) -> Answer:
    """A signed document, against the portal's key: the one in force, or the older one that it names."""
    public = public_key_of(_signer(raw)) or signing_key().public
    verdict = check_document(raw, public)
    kind = KINDS.get(_format(raw), "")
    if not kind:
        return Answer(
            "unknown",
            advice=f"It is no paper of this portal, or its first lines were changed. Known: {', '.join(FORMATS)}.",
        )
    if verdict.genuine:
        return Answer("genuine", kind, facts=facts_of(verdict.document), signer=verdict.signer)
    foreign = verdict.signer and verdict.trusted is False and len(verdict.problems) == 1
    if foreign:
        return Answer(
            "foreign",
            kind,
            places=verdict.problems,
            signer=verdict.signer,
            advice="Nothing in it was changed since it was signed, but this portal did not sign it. Anybody can make a key: ask "
            "whoever gave it to you whose key it is.",
        )
    return Answer(
        "altered",
        kind,
        places=verdict.problems[:_MOST],
        more=max(0, len(verdict.problems) - _MOST),
        advice="Do not rely on any of it. Ask whoever gave it to you for the file as it was issued.",
    )


def _signer(raw: bytes) -> str:
    """The fingerprint of the key that a document says it is signed with."""
    try:
        return str(json.loads(raw)["signature"]["fingerprint"])
    except (ValueError, RecursionError, KeyError, TypeError):
        return ""


def _format(raw: bytes) -> str:
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        found = re.search(rb'"format":\s*"([a-z0-9/-]{5,60})"', raw[:400_000])
        return found[1].decode() if found else ""
    return str(document.get("format", "")) if isinstance(document, dict) else ""


def facts_of(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """What a genuine document says, in few lines: from the document alone."""
    says = document["statement"]
    issue = says.get("issue", {})
    rows = [("Issued", str(issue.get("issued_at", ""))), ("Issued by", str(issue.get("issuer", "")))]
    rows += [(_words(name), str(value)) for name, value in sorted(dict(issue.get("subject", {})).items())]
    form = document["format"]
    if form == CERTIFICATE:
        counts, canaries, legal = says["counts"], says["canaries"], says["class"]
        rows += [
            ("Policy", f"{says['policy']['title']} ({says['policy']['label']})"),
            ("Images released", f"{counts['released']:,}"),
            ("Images withheld", f"{counts['withheld']:,}"),
            ("Legal class", legal["class"].replace("-", " ")),
            ("Kept", "; ".join(legal["retained"])),
            ("Measured", _measured(canaries)),
        ]
    elif form == DESTRUCTION:
        rows += [
            ("Originals destroyed", f"{says['counts']['originals']:,}"),
            ("Why", says["occasion"]["why"]),
            ("Not needed since", says["occasion"]["since"]),
        ]
    elif form == ATTESTATION:
        said = says["attestation"]
        rows += [
            ("What", says["withdrawal"]["what"]),
            ("Attested by", f"{said['printed_name']}, {said['organization']}"),
            ("In time", "yes" if said["in_time"] else "no"),
        ]
    else:
        rows += [(_words(name), str(value)) for name, value in dict(says.get("summary", {})).items()]
    rows.append(("Files it speaks of", f"{says['manifest']['files']:,}"))
    return [(name, value) for name, value in rows if value]


def _measured(canaries: Mapping[str, Any]) -> str:
    if not canaries.get("measured"):
        return f"not measured: {canaries.get('reason', '')}"
    planted = sum(int(row["planted"]) for row in canaries["by_kind"])
    return f"{planted:,} synthetic identities planted, {canaries['missed']:,} survived"


def _words(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _manifest(raw: bytes, lines: list[re.Match[str] | None]) -> Answer:
    """The manifest of a release's package, against those of releases that others than staff see."""
    kind = "Manifest of a release"
    shown = Release.objects.exclude(status=ReleaseStatus.DRAFT).exclude(archive="")
    digest = hashlib.sha256(raw).hexdigest()
    exact = (
        ReleaseFile.objects.filter(release__in=shown, path=MANIFEST, sha256=digest).select_related("release").first()
    )
    if exact is not None:
        withdrawn = exact.release.status == ReleaseStatus.WITHDRAWN
        return Answer(
            "genuine",
            kind,
            facts=[
                ("Published", exact.release.published_at.strftime("%Y-%m-%d") if exact.release.published_at else ""),
                ("Files it speaks of", f"{len(lines):,}"),
                *([("Mind", "The release was withdrawn since: copies are to be destroyed.")] if withdrawn else []),
            ],
        )
    said = {line[2]: line[1] for line in lines if line is not None}
    release = _release_of(shown, said)
    if release is None:
        return Answer(
            "unknown",
            kind,
            advice="No release of this portal has these lines. It may be of another portal, or its paths were changed.",
        )
    return _compared(release, lines, said, kind)


def _release_of(shown: Any, said: Mapping[str, str]) -> Release | None:
    """The release that most of a few lines, path and SHA-256, are of. Who knows both has held the file."""
    paths = [path for path in said if path.startswith("data/dicom/")]
    probes = paths[:: max(1, len(paths) // _PROBES)][:_PROBES]
    rows = ReleaseFile.objects.filter(release__in=shown, path__in=probes).values_list("release", "path", "sha256")
    votes: dict[Any, int] = {}
    for release, path, digest in rows:
        votes[release] = votes.get(release, 0) + (said[path] == digest)
    best = max(votes, key=lambda key: votes[key], default=None)
    # Half of what was looked up must be right: a guess at one path proves nothing.
    if best is None or votes[best] * 2 < len(probes):
        return None
    return Release.objects.get(pk=best)


def _compared(release: Release, lines: list[re.Match[str] | None], said: Mapping[str, str], kind: str) -> Answer:
    ours = dict(release.files.filter(path__startswith="data/").values_list("path", "sha256"))
    places = []
    for number, line in enumerate(lines, start=1):
        if line is None:
            places.append(f"Line {number}: it is no line of a manifest.")
        elif line[2] not in ours:
            places.append(f"Line {number}, {line[2]}: it was added, or its path was changed.")
        elif ours[line[2]] != line[1]:
            places.append(f"Line {number}, {line[2]}: the SHA-256 is not the one that was published.")
    missing = len(set(ours) - set(said))
    if missing:
        places.append(f"{missing:,} {'line was' if missing == 1 else 'lines were'} taken out.")
    if not places:
        places = ["Its lines are those that were published, but in another order or with other blanks."]
    return Answer(
        "altered",
        kind,
        places=places[:_MOST],
        more=max(0, len(places) - _MOST),
        advice="Fetch the package again, or ask whoever gave it to you for the file as it was published.",
    )
