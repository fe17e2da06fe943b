"""The lock installs on a machine without a compiler, for every Python that `make setup` accepts."""

import re
import tomllib
from collections import defaultdict
from pathlib import Path

import pytest
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import parse_wheel_filename

ROOT = Path(__file__).resolve().parents[2]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
# Debian 12 has glibc 2.36; Debian's and Ubuntu's supported releases are no older.
PLATFORMS = [
    *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 4, -1)),
    *(f"{name}_x86_64" for name in ("manylinux2014", "manylinux2010", "manylinux1", "linux")),
]
pytestmark = pytest.mark.pure


@pytest.mark.parametrize("minor", [11, 12, 13, 14])
def test_every_locked_package_has_a_wheel_except_the_named_pure_python_ones(minor: int) -> None:
    accepted = _tags(minor)
    lock = tomllib.loads((ROOT / "uv.lock").read_text(encoding="utf-8"))
    wheels: dict[str, list[frozenset[Tag]]] = defaultdict(list)
    for package in lock["package"]:
        names = [wheel["url"].rpartition("/")[2] for wheel in package.get("wheels", [])]
        wheels[package["name"]] += [parse_wheel_filename(name)[3] for name in names]

    source_only = {name for name, tags in wheels.items() if not any(each & accepted for each in tags)}

    assert source_only == _buildable()


def test_the_makefile_accepts_the_pythons_that_are_checked_here() -> None:
    assert "3.1[1-4])" in MAKEFILE


def _tags(minor: int) -> frozenset[Tag]:
    version = (3, minor)
    return frozenset([*cpython_tags(version, platforms=PLATFORMS), *compatible_tags(version, platforms=PLATFORMS)])


def _buildable() -> set[str]:
    named = re.search(r"^BUILDABLE := (.+)$", MAKEFILE, flags=re.MULTILINE)
    assert named is not None
    return set(named[1].split())
