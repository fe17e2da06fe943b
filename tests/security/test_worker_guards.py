"""What keeps a worker and a server from doing harm: memory, an unsafe configuration."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from celery import signals
from django.core.exceptions import ImproperlyConfigured

from fulfillment import pipeline
from fulfillment.models import SourceFile
from getdata import checks
from tests import factories
from tests.support.staging import stage

ROOT = Path(__file__).resolve().parents[2]

#: Sets the limit as a worker process does, then carries one phantom through the engine and everything after it.
_CARRY_ONE = """
import django; django.setup()
import resource
from getdata import celery
celery._a_limit_on_memory()
print(resource.getrlimit(resource.RLIMIT_AS)[0] // 1024**2)
from deid import Context, Keyring, Released, deidentify, load_policy
from fulfillment.examine import examine
from requests_app.spec import example_specs
from getdata.demo.delivery import phantoms
_, data, *_ = next(iter(phantoms(7, 1)))
outcome = deidentify(data, load_policy("cxr-research"), Keyring(secret=b"k" * 32, key_id="k"), context=Context())
assert isinstance(outcome, Released), outcome.reason
seen = examine(outcome.data, next(iter(example_specs().values())))
assert seen.preview_png
print("carried")
"""

_TAKES_TOO_MUCH = """
import django; django.setup()
from getdata import celery
celery._a_limit_on_memory()
try:
    b"x" * (1100 * 1024**2)
except MemoryError:
    print("refused")
"""


def child(code: str, megabytes: int) -> str:
    environment = {**os.environ, "GETDATA_WORKER_MEMORY_MB": str(megabytes), "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_a_normal_image_passes_under_the_default_limit_on_memory() -> None:
    assert child(_CARRY_ONE, 6144).split() == ["6144", "carried"]


def test_a_worker_process_cannot_take_more_memory_than_its_limit() -> None:
    assert "refused" in child(_TAKES_TOO_MUCH, 1024)


def test_without_a_limit_nothing_is_limited() -> None:
    assert "refused" not in child(_TAKES_TOO_MUCH, 0)


def test_a_worker_process_that_crashes_leaves_no_image_of_its_memory() -> None:
    """A codec that crashes on a hostile file has the original in memory: a core file would keep it in the clear."""
    code = "import resource; from getdata import celery; celery._no_core_files(); print(resource.getrlimit(resource.RLIMIT_CORE))"
    assert child(code, 0).strip() == "(0, 0)"


@pytest.mark.django_db
def test_a_file_that_needs_too_much_memory_fails_with_a_reason_and_a_remedy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fulfillment.uploads.ledger_entry.enqueue", lambda *_: None)
    file = stage(factories.batch(), b"\0" * 128 + b"DICM")

    def gulp(*_: Any, **__: Any) -> None:
        raise MemoryError

    monkeypatch.setattr(pipeline, "judge", gulp)
    for _ in range(3):
        pipeline.process(file.pk)
    fresh = SourceFile.objects.get()
    assert (fresh.status, fresh.reason, fresh.attempts) == ("failed", "MEMORY_LIMIT", 3)
    assert "memory" in fresh.findings[0]["message"]
    assert fresh.findings[0]["remedy"]


def test_a_server_does_not_start_with_an_unsafe_production_configuration(settings: Any) -> None:
    settings.PRODUCTION, settings.DEBUG = True, True
    with pytest.raises(ImproperlyConfigured, match="DEBUG is on"):
        checks.refuse_unsafe_production()


@pytest.mark.filterwarnings("ignore:.*without a sender")
@pytest.mark.parametrize("signal", [signals.worker_init, signals.beat_init])
def test_a_worker_does_not_start_with_an_unsafe_production_configuration(settings: Any, signal: Any) -> None:
    import getdata.celery  # noqa: F401 (connects)

    settings.PRODUCTION, settings.DEBUG = True, True
    with pytest.raises(SystemExit, match="DEBUG is on"):
        signal.send(sender=None)


def test_the_embedded_default_starts(settings: Any) -> None:
    settings.PRODUCTION = False
    checks.refuse_unsafe_production()


@pytest.mark.parametrize(("address", "refused"), [("http://files.example", True), ("https://files.example", False)])
def test_a_store_without_https_is_refused_in_production(settings: Any, address: str, refused: bool) -> None:
    settings.PRODUCTION, settings.STORAGE_KIND = True, "s3"
    settings.STORAGES = {**settings.STORAGES, "released": {"OPTIONS": {"endpoint_url": address}}}
    assert ("getdata.E009" in {problem.id for problem in checks.production_is_safe(None)}) == refused


@pytest.mark.parametrize("module", ["getdata.wsgi"])
def test_the_server_asks_before_it_serves(module: str) -> None:
    """Granian imports the application: with an unsafe configuration there is none."""
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("GETDATA_ENV", "DATABASE"))},
        "GETDATA_ENV": "production",
        "SECRET_KEY": "short",
    }
    done = subprocess.run(
        [sys.executable, "-c", f"import {module}"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode != 0
    assert "ImproperlyConfigured" in done.stderr
    assert "SECRET_KEY is shorter" in done.stderr
