"""The software bill of materials: what the lock file holds, as CycloneDX 1.6 JSON (ECMA-424). The same lock gives the same bytes."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
import uuid
from typing import Any

SPEC_VERSION = "1.6"


def sbom(lock: bytes, project: bytes) -> dict[str, Any]:
    """The document for ``uv.lock`` and ``pyproject.toml``. Raises ``ValueError`` for anything that is not these."""
    try:
        packages = tomllib.loads(lock.decode())["package"]
        about = tomllib.loads(project.decode())["project"]
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError) as problem:
        raise ValueError("uv.lock or pyproject.toml cannot be read") from problem
    refs = {(package["name"], package["version"]): _ref(package) for package in packages if "version" in package}
    shipped = _reached(packages, about["name"])
    root = next(package for package in packages if package["name"] == about["name"])
    return {
        "bomFormat": "CycloneDX",
        "specVersion": SPEC_VERSION,
        "serialNumber": f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_OID, hashlib.sha256(lock).hexdigest())}",
        "version": 1,
        "metadata": {
            "component": {
                "type": "application",
                "bom-ref": _ref(root),
                "name": about["name"],
                "version": about["version"],
                "licenses": [{"license": {"id": about["license"]}}],
            },
            "properties": [{"name": "getdata:lock-sha256", "value": hashlib.sha256(lock).hexdigest()}],
        },
        "components": [
            _component(package, shipped=package["name"] in shipped)
            for package in packages
            if package is not root and "version" in package
        ],
        "dependencies": [
            {"ref": _ref(package), "dependsOn": sorted({refs[key] for key in _needs(package, refs)})}
            for package in packages
            if "version" in package
        ],
    }


def as_text(document: dict[str, Any]) -> str:
    """The file."""
    return json.dumps(document, indent=1) + "\n"


def _ref(package: dict[str, Any]) -> str:
    return f"pkg:pypi/{re.sub(r'[-_.]+', '-', package['name']).lower()}@{package['version']}"


def _component(package: dict[str, Any], *, shipped: bool) -> dict[str, Any]:
    files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
    return {
        "type": "library",
        "bom-ref": _ref(package),
        "name": package["name"],
        "version": package["version"],
        "purl": _ref(package),
        "scope": "required" if shipped else "excluded",  # excluded: for development and tests alone
        "externalReferences": [
            {
                "type": "distribution",
                "url": file["url"],
                "hashes": [{"alg": "SHA-256", "content": file["hash"].removeprefix("sha256:")}],
            }
            for file in files
            if "url" in file
        ],
    }


def _all_needs(package: dict[str, Any]) -> list[dict[str, Any]]:
    optional = package.get("optional-dependencies", {})
    return [*package.get("dependencies", []), *(entry for entries in optional.values() for entry in entries)]


def _needs(package: dict[str, Any], refs: dict[tuple[str, str], str]) -> set[tuple[str, str]]:
    """The locked versions that a package needs; where an entry names no version there is only one."""
    found = set()
    for entry in _all_needs(package):
        known = [key for key in refs if key[0] == entry["name"] and entry.get("version", key[1]) == key[1]]
        found |= set(known)
    return {key for key in found if key[0] != package["name"]}


def _reached(packages: list[dict[str, Any]], start: str) -> set[str]:
    """The names that the project needs in use, directly or by others."""
    by_name: dict[str, list[dict[str, Any]]] = {}
    for package in packages:
        by_name.setdefault(package["name"], []).append(package)
    seen, waiting = {start}, [start]
    while waiting:
        for package in by_name.get(waiting.pop(), []):
            for entry in _all_needs(package):
                if entry["name"] not in seen:
                    seen.add(entry["name"])
                    waiting.append(entry["name"])
    return seen
