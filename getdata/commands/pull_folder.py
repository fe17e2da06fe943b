"""A folder into which a release was pulled: what was chosen, and whether each file is still what it should be."""

from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from getdata.commands.pull_choice import CannotChoose, Choice, File, choose
from getdata.commands.pull_fetch import digest_of

#: Beside the bag's own files; BagIt allows files that no manifest names.
RECORD = ".getdata-pull.json"
MANIFEST, TAGS = "manifest-sha256.txt", "tagmanifest-sha256.txt"


class NotPulled(Exception):
    """The folder holds no release, or its record or manifest is damaged."""


@dataclass(frozen=True)
class Record:
    """What was asked for, run after run. ``tags_sha256``: the digest of the manifest of manifests, as the server gave it."""

    release: str
    tags_sha256: str
    choices: tuple[Choice, ...]

    def write(self, folder: Path) -> None:
        said = {
            "release": self.release,
            "tags_sha256": self.tags_sha256,
            "choices": [{key: list(values) for key, values in asdict(choice).items()} for choice in self.choices],
        }
        (folder / RECORD).write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")


def read_record(folder: Path) -> Record | None:
    """The folder's record, or None where nothing was pulled into it. Raises ``NotPulled`` for a damaged one."""
    try:
        said = json.loads((folder / RECORD).read_text(encoding="utf-8"))
        choices = tuple(Choice.read(choice) for choice in said["choices"])
        return Record(str(said["release"]), str(said["tags_sha256"]), choices)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError):
        raise NotPulled from None


@dataclass(frozen=True)
class Verdict:
    """Paths in the bag. ``expected``: how many files should be there."""

    expected: int
    damaged: list[str]
    missing: list[str]


def verify(folder: Path, *, jobs: int, progress: Callable[[str, int, int], None]) -> Verdict:
    """Hash every file that was chosen and compare it with the bag's manifests, these first. Raises ``NotPulled``."""
    record = read_record(folder)
    if record is None:
        raise NotPulled
    broken = Verdict(1, [], [])
    tags = folder / TAGS
    if not tags.is_file():
        broken.missing.append(TAGS)
        return broken
    if digest_of(tags) != record.tags_sha256:
        broken.damaged.append(TAGS)
        return broken
    listed = [File(TAGS, 0, record.tags_sha256), *_manifest(tags)]
    states = _states(folder, [file for file in listed if file.path == MANIFEST])
    if set(states.values()) == {""}:
        listed += _manifest(folder / MANIFEST)
    files = {file.path: file for file in _chosen(folder, listed, record)}
    with ThreadPoolExecutor(max_workers=jobs) as pool:
        found: dict[str, str] = {}
        for done, (path, state) in enumerate(
            zip(files, pool.map(lambda file: _state(folder, file), files.values()), strict=True), start=1
        ):
            found[path] = state
            progress("checked", done, len(files))
    return Verdict(
        len(files),
        sorted(path for path, state in found.items() if state == "damaged"),
        sorted(path for path, state in found.items() if state == "missing"),
    )


def _chosen(folder: Path, listed: list[File], record: Record) -> list[File]:
    """What the runs into this folder asked for, together. Where a table cannot be read, everything is expected."""
    wanted: dict[str, File] = {}
    for choice in record.choices:
        try:
            chosen = choose(listed, choice, lambda path: (folder / path).read_bytes())
        except (OSError, ValueError, KeyError, CannotChoose):
            chosen = listed
        wanted |= {file.path: file for file in chosen}
    return list(wanted.values())


def _manifest(path: Path) -> list[File]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [File(name, 0, digest) for digest, _, name in (line.partition("  ") for line in lines) if name]


def _states(folder: Path, files: list[File]) -> dict[str, str]:
    return {file.path: _state(folder, file) for file in files}


def _state(folder: Path, file: File) -> str:
    place = folder / file.path
    if not place.is_file():
        return "missing"
    return "" if digest_of(place) == file.sha256 else "damaged"
