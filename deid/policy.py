"""De-identification policies: readable TOML files that choose among the options of PS3.15 Annex E."""

from __future__ import annotations

import hashlib
import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Literal, cast

DateMode = Literal["shift", "year", "keep"]
_OPTION_NAMES = (
    "clean_pixels",
    "clean_descriptors",
    "retain_patient_characteristics",
    "retain_device_model",
    "retain_safe_private",
)


class PolicyError(ValueError):
    """A policy cannot be used: the message names file, cause and remedy."""


@dataclass(frozen=True)
class Policy:
    """A policy as the engine reads it. `sha256` is the digest of the policy file's bytes, for the audit record."""

    name: str
    version: int
    title: str
    clean_pixels: bool
    clean_descriptors: bool
    retain_patient_characteristics: bool
    retain_device_model: bool
    retain_safe_private: bool
    date_mode: DateMode
    maximum_days: int
    multiple_of: int
    age_cap_years: int
    requires: str
    sha256: str

    @property
    def label(self) -> str:
        """Name and version, such as "cxr-research/1"."""
        return f"{self.name}/{self.version}"


def shipped_policies() -> tuple[str, ...]:
    """Names of the policies that come with the engine."""
    folder = files("deid.profile").joinpath("policies")
    return tuple(sorted(entry.name[:-5] for entry in folder.iterdir() if entry.name.endswith(".toml")))


def load_policy(name_or_path: str | Path = "cxr-research") -> Policy:
    """The policy of that shipped name, or of that TOML file. Raises PolicyError with file, cause and remedy."""
    text = str(name_or_path)
    if text in shipped_policies():
        raw = files("deid.profile").joinpath("policies", f"{text}.toml").read_bytes()
        return _parse(raw, f"{text}.toml")
    path = Path(name_or_path)
    if not path.is_file():
        names = ", ".join(shipped_policies())
        raise PolicyError(f"{text}: no such policy. Give a policy file, or one of the shipped policies: {names}.")
    return _parse(path.read_bytes(), path.name)


def _parse(raw: bytes, source: str) -> Policy:
    try:
        document = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise PolicyError(f"{source}: not readable as TOML ({problem}). Mend the file.") from problem
    unknown = set(document) - {"name", "version", "title", "requires", "options", "dates", "patient"}
    if unknown:
        raise PolicyError(f"{source}: unknown entries {sorted(unknown)}. Remove them or correct their spelling.")
    options = _section(document, "options", set(_OPTION_NAMES), source)
    dates = _section(document, "dates", {"mode", "maximum_days", "multiple_of"}, source)
    patient = _section(document, "patient", {"age_cap_years"}, source)
    flags = {name: _typed(options, name, bool, source, "options") for name in _OPTION_NAMES}
    if not flags["clean_pixels"]:
        raise PolicyError(f"{source}: clean_pixels must be true. Pixels are always examined; remove the line's change.")
    mode = _typed(dates, "mode", str, source, "dates")
    if mode not in ("shift", "year", "keep"):
        raise PolicyError(f"{source}: dates.mode must be shift, year or keep. Correct it.")
    maximum = _typed(dates, "maximum_days", int, source, "dates")
    multiple = _typed(dates, "multiple_of", int, source, "dates")
    if not (1 <= multiple <= maximum <= 36_500):
        raise PolicyError(f"{source}: dates need 1 <= multiple_of <= maximum_days <= 36500. Correct the numbers.")
    cap = _typed(patient, "age_cap_years", int, source, "patient")
    if not 1 <= cap <= 120:
        raise PolicyError(f"{source}: patient.age_cap_years must lie between 1 and 120. Correct it.")
    name = _typed(document, "name", str, source, "file")
    if not name or len(name) > 24 or not all(c.isalnum() or c in "-_." for c in name):
        raise PolicyError(f"{source}: name must have 1 to 24 letters, digits, '-', '_' or '.'. Correct it.")
    return Policy(
        name=name,
        version=_typed(document, "version", int, source, "file"),
        title=_typed(document, "title", str, source, "file"),
        date_mode=cast(DateMode, mode),
        maximum_days=maximum,
        multiple_of=multiple,
        age_cap_years=cap,
        requires=str(document.get("requires", "")),
        sha256=hashlib.sha256(raw).hexdigest(),
        **flags,
    )


def _section(document: dict[str, Any], name: str, allowed: set[str], source: str) -> dict[str, Any]:
    section = document.get(name)
    if not isinstance(section, dict):
        raise PolicyError(f"{source}: section [{name}] is missing. Copy it from a shipped policy.")
    unknown = set(section) - allowed
    if unknown:
        raise PolicyError(f"{source}: [{name}] has unknown entries {sorted(unknown)}. Correct their spelling.")
    return section


def _typed(section: dict[str, Any], key: str, kind: type, source: str, where: str) -> Any:
    value = section.get(key)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise PolicyError(f"{source}: [{where}] needs {key} as {kind.__name__}. Add or correct it.")
    return value
