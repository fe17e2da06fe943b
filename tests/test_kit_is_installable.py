"""``pip install getdata[edge]``: the wheel holds all that the kit needs, and no command of it needs the portal's packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

from requests_app.spec import spec_document
from tests.fulfillment.kit import mixed

pytestmark = pytest.mark.pure
ROOT = Path(__file__).resolve().parents[1]
#: Loaded by every Python that finds it, so by the kit's worker processes too.
_HOOK = """
import sys
class Blocked:
    names = {names!r}
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in self.names:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
"""
_PORTAL = (
    "django",
    "celery",
    "storages",
    "rest_framework",
    "allauth",
    "redis",
    "psycopg2",
    "environ",
    "granian",
    "drf_spectacular",
)
_RUN = """
import contextlib, io, json, sys
from getdata.cli import app
results = {}
for line in json.loads(sys.argv[1]):
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            status = app(line, standalone_mode=False)
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            status = f"{type(error).__name__}: {error}"
    results[" ".join(line[:2])] = [status or 0, said.getvalue()]
import getdata
results["from"] = [getdata.__file__, sorted(n for n in sys.modules if n.partition(".")[0] in ("django", "celery"))]
print(json.dumps(results))
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, unpacked. Built as pip would build it where the builder is at hand; else what it would hold."""
    root = tmp_path_factory.mktemp("site")
    uv = shutil.which("uv") or shutil.which("uv", path=str(Path(sys.prefix).parent / ".tools" / "bin"))
    if uv is not None:
        built = subprocess.run(
            [uv, "build", "--wheel", "--offline", "--quiet", "--out-dir", str(root / "dist"), str(ROOT)],
            capture_output=True, text=True, timeout=240,
        )  # fmt: skip
        if built.returncode == 0:
            (wheel,) = (root / "dist").glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(root / "unpacked")
            return root / "unpacked"
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard", "getdata", "requests_app", "fulfillment", "deid"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.splitlines()):
        if (ROOT / name).is_file():
            target = root / "unpacked" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, target)
    return root / "unpacked"


def run_without(
    blocked: tuple[str, ...], installed: Path, tmp_path: Path, *arguments: str
) -> subprocess.CompletedProcess[str]:
    hook = tmp_path / "hook"
    hook.mkdir(exist_ok=True)
    (hook / "sitecustomize.py").write_text(_HOOK.format(names=blocked))
    env = {key: value for key, value in os.environ.items() if not key.startswith(("DJANGO", "GETDATA"))}
    env |= {"PYTHONPATH": f"{hook}{os.pathsep}{installed}", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=280
    )


def test_every_command_of_the_kit_runs_from_the_wheel_without_the_portal(installed: Path, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "IM1").write_bytes(mixed.good(1))
    (tmp_path / "spec.json").write_text(json.dumps(spec_document(mixed.spec())))
    (tmp_path / "key").write_text("ab" * 32)
    (tmp_path / "reports.csv").write_text("id,text\n1,Chest. No pneumothorax.\n")
    (tmp_path / "labels.csv").write_text("file,finding,state\nIM1,Pneumothorax,present\n")
    lines = [
        ["request", "lint", "spec.json"],
        [
            "check",
            "in",
            "--request",
            "spec.json",
            "--report",
            "r.html",
            "--json",
            "r.json",
            "--workers",
            "1",
            "--no-near",
        ],
        ["counts", "in", "--request", "spec.json", "--out", "c.csv", "--workers", "1"],
        ["deid", "in", "out", "--key-file", "key", "--map", "map.csv", "--report", "deid.json"],
        ["verify-certificate", "deid.json"],
        ["score", "in", "--out", "s.csv", "--jobs", "1"],
        ["duplicates", "in", "--out", "d.csv", "--jobs", "1"],
        ["label-reports", "--help"],
        ["labels", "--help"],
        ["push", "--help"],
    ]
    from getdata.cli import app

    known = {command.name or command.callback.__name__ for command in app.registered_commands if command.callback}
    lines = [line for line in lines if line[0] != "check" or "check" in known]
    lines += [[name, "--help"] for name in sorted({"pull", "audit"} & known)]
    done = run_without(_PORTAL, installed, tmp_path, "-c", _RUN, json.dumps(lines))
    assert done.returncode == 0, done.stderr[-3000:]
    results: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    came_from, loaded = results.pop("from")
    assert Path(came_from).is_relative_to(installed) and loaded == []
    expected = {"verify-certificate deid.json": 3, "request lint": results["request lint"][0]}
    for line, (status, said) in results.items():
        assert status == expected.get(line, 0), f"{line}: {status}\n{said}"
        assert "Traceback" not in said
    assert results["request lint"][0] in (0, 3)
    if "check" in known:
        assert json.loads((tmp_path / "r.json").read_text())["counts"]["fit"] == 1
        assert "<style>" in (tmp_path / "r.html").read_text()


def test_a_missing_package_is_named_with_the_command_that_installs_it(installed: Path, tmp_path: Path) -> None:
    for blocked in ("typer", "pydicom"):
        folder = tmp_path / "in"
        folder.mkdir(exist_ok=True)
        arguments = ["-m", "getdata", "counts", str(folder), "--out", str(tmp_path / "c.csv")]
        done = run_without((blocked,), installed, tmp_path, *arguments)
        assert done.returncode == 2
        assert done.stderr == f'The package {blocked} is not installed. Run: pip install "getdata[edge]"\n'
