"""How the suite runs: which backend, where files go, and what a skip means."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

BACKEND = os.environ.get("GETDATA_TEST_BACKEND", "embedded")
if BACKEND not in ("embedded", "servers"):
    raise RuntimeError("GETDATA_TEST_BACKEND is 'embedded' or 'servers'")
if "GETDATA_TESTS_VAR" not in os.environ:
    raise RuntimeError(
        "start the tests with `make test` or `python -m pytest`: tests/environment.py must be loaded first"
    )

REQUIRE_ALL = os.environ.get("GETDATA_REQUIRE_ALL") == "1"
PURE_FOLDERS = (
    "tests/deid/",
    "tests/demo/",
    "tests/requests_app/guard/",
    "tests/requests_app/spec/",
    "tests/requests_app/taxonomy/",
    "tests/requests_app/matching/",
    "tests/requests_app/feasibility/",
    "tests/fulfillment/conformance/",
    "tests/fulfillment/quality/",
    "tests/fulfillment/sampling/",
    "tests/fulfillment/duplicates/",
    "tests/fulfillment/labels/",
    "tests/fulfillment/legal/",
    "tests/common/test_templates",
    "tests/test_conventions",
)
#: The longest pure folder, a part of its own in `make test` (tests/lanes.py).
ENGINE = "tests/deid/"
#: What they prove does not depend on the database, the broker or the store.
ONCE = (
    "tests/accounts/test_pages",
    "tests/common/test_design_tokens",
    "tests/common/test_ui_",
    "tests/e2e/test_accessibility",
    "tests/e2e/test_delivery_in_browser",
    "tests/e2e/test_dicom_clients",
    "tests/e2e/test_run_portal",
    "tests/fulfillment/dicomweb/test_sender_pages",
    "tests/fulfillment/kit/test_check_at_home_pages",
    "tests/fulfillment/test_batch_work_page",
    "tests/fulfillment/test_label_imports_in_a_browser",
    "tests/fulfillment/test_label_passport",
    "tests/fulfillment/test_label_worklist",
    "tests/fulfillment/test_meter_in_a_browser",
    "tests/fulfillment/test_quality_pages",
    "tests/fulfillment/test_report_pages",
    "tests/fulfillment/test_review_pages",
    "tests/fulfillment/test_verify_page",
    "tests/fulfillment/test_review_queue",
    "tests/fulfillment/uploads/test_in_the_browser",
    "tests/fulfillment/uploads/test_outside_clients",
    "tests/notifications/test_every_edge",
    "tests/pages/test_api_docs",
    "tests/pages/test_every_address",
    "tests/pages/test_home",
    "tests/requests_app/test_forms",
    "tests/requests_app/test_grid",
    "tests/requests_app/test_in_a_browser",
    "tests/requests_app/test_one_document",
    "tests/requests_app/test_pages",
    "tests/requests_app/test_wizard",
    "tests/security/test_api_with_anything",
    "tests/security/test_other_organizations",
    "tests/security/test_permission_matrix",
    "tests/accounts/test_passkey_in_a_browser",
    "tests/security/test_worker_guards",
    "tests/security/test_zoo",
    "tests/services/test_compose",
    "tests/services/test_lanes",
    "tests/services/test_launcher",
    "tests/services/test_lock",
    "tests/test_api_schema",
    "tests/test_cli_push",
    "tests/webhooks/test_topics",
    "tests/pages/test_operations",
    "tests/requests_app/test_request_check",
)


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "pure: touches no backend; runs once, not again on PostgreSQL, Redis and S3")
    config.addinivalue_line(
        "markers", "once: judges pages, looks or the embedded default itself; runs on the embedded default only"
    )
    config.addinivalue_line("markers", "engine: of the pure ones, those of the de-identification engine")
    config.addinivalue_line("markers", "e2e: drives the whole portal with a server and a worker")
    config.addinivalue_line("markers", "browser: needs Chromium")
    config.addinivalue_line("markers", "orthanc: needs Orthanc with its DICOMweb plugin")
    config.addinivalue_line("markers", "dcmtk: needs dcmtk's storescu and echoscu")
    config.addinivalue_line("markers", "real_data: needs ../shared/data")
    config.addinivalue_line("markers", "needs_server_backends: skipped with the reason where they are missing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    root = Path(config.rootpath)
    missing = _missing_for_this_backend()
    # Those that need both cores come last, when what runs beside these (tests/lanes.py) is further on.
    items.sort(key=lambda item: item.get_closest_marker("e2e") is not None)
    for item in items:
        place = item.path.relative_to(root).as_posix() if item.path.is_relative_to(root) else ""
        if place.startswith(PURE_FOLDERS):
            item.add_marker(pytest.mark.pure)
        if place.startswith(ENGINE):
            item.add_marker(pytest.mark.engine)
        if place.startswith(ONCE):
            item.add_marker(pytest.mark.once)
        for reason in [*missing, *_missing_for(item)]:
            if not REQUIRE_ALL:
                item.add_marker(pytest.mark.skip(reason=reason))


def pytest_runtest_setup(item: pytest.Item) -> None:
    if REQUIRE_ALL:
        for reason in [*_missing_for_this_backend(), *_missing_for(item)]:
            pytest.fail(f"GETDATA_REQUIRE_ALL=1: {reason}", pytrace=False)


def _missing_for_this_backend() -> list[str]:
    if BACKEND == "embedded":
        return []
    wanted = {"DATABASE_URL": "PostgreSQL", "REDIS_URL": "Redis", "S3_ENDPOINT_URL": "an S3 store"}
    absent = [name for variable, name in wanted.items() if not os.environ.get(variable)]
    if not absent:
        return []
    from tests.services import missing_services

    return missing_services() or [f"not started for this run: {', '.join(absent)}; use `make test-servers`"]


def _missing_for(item: pytest.Item) -> list[str]:
    reasons = []
    if item.get_closest_marker("browser") and not Path("/usr/bin/chromium").exists():
        reasons.append("Chromium is not installed (Debian: apt-get install chromium)")
    orthanc = (Path("/usr/sbin/Orthanc"), Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so"))
    if item.get_closest_marker("orthanc") and not all(path.exists() for path in orthanc):
        reasons.append("Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb)")
    if item.get_closest_marker("dcmtk") and not Path("/usr/bin/storescu").exists():
        reasons.append("dcmtk is not installed (Debian: apt-get install dcmtk)")
    if item.get_closest_marker("real_data") and not (item.config.rootpath.parent / "shared" / "data").is_dir():
        reasons.append("../shared/data is not on this machine")
    return reasons


@pytest.fixture(scope="session", autouse=True)
def _flush_may_empty_the_audit_log() -> Iterator[None]:
    """Django empties tables after a transactional test; the triggers that protect evidence step aside just then."""
    from django.db import connection
    from django.test.testcases import TransactionTestCase

    from fulfillment import write_once
    from getdata.audit import triggers

    original = TransactionTestCase._fixture_teardown

    def teardown(self: Any) -> None:
        triggers.remove(connection)
        write_once.remove(connection)
        try:
            original(self)
        finally:
            triggers.install(connection)
            write_once.install(connection)

    patch = pytest.MonkeyPatch()
    patch.setattr(TransactionTestCase, "_fixture_teardown", teardown)
    yield
    patch.undo()


@pytest.fixture(autouse=True)
def _no_throttling_and_eager_work(settings: Any, request: pytest.FixtureRequest) -> None:
    """Tasks run where they are sent, unless a test starts a worker of its own (marker ``e2e``)."""
    from django.core.cache import cache

    if request.node.get_closest_marker("pure"):
        return
    cache.clear()
    if request.node.get_closest_marker("e2e"):
        return
    from getdata.celery import app

    app.conf.task_always_eager = True


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def _signed_in_with_both_steps(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """``force_login`` stands for the whole way in, second step and all; ``tests.support.sign_in`` has the lesser ones."""
    if request.node.get_closest_marker("pure"):
        return
    from tests.support.sign_in import force_login

    monkeypatch.setattr("django.test.Client.force_login", force_login)
