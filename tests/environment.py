"""Loaded first of all (``-p tests.environment``), before Django reads its settings: where this run keeps its files.

A suite never touches the data folder of a portal that runs on the same machine, nor that of another run beside it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

if "GETDATA_TESTS_VAR" not in os.environ:
    _folder = tempfile.mkdtemp(prefix="getdata-tests-")
    os.environ["GETDATA_TESTS_VAR"] = _folder
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
#: A developer's own variables must not turn the embedded run into another.
SERVER_VARIABLES = (
    "DATABASE_URL", "REDIS_URL", "CELERY_BROKER_URL", "GETDATA_STORAGE", "S3_ENDPOINT_URL", "S3_ACCESS_KEY_ID",
    "S3_SECRET_ACCESS_KEY", "S3_REGION", "S3_BUCKET_QUARANTINE", "S3_BUCKET_RELEASED", "S3_BUCKET_PREVIEWS",
)  # fmt: skip
os.environ.setdefault("GETDATA_TEST_BACKEND", "embedded")
if os.environ["GETDATA_TEST_BACKEND"] == "embedded":
    for _name in SERVER_VARIABLES:
        os.environ.pop(_name, None)
os.environ["GETDATA_VAR"] = os.environ["GETDATA_TESTS_VAR"]
os.environ["GETDATA_ENV"] = "embedded"
# Sealing would run the detector over planted copies; tests of certificates ask for it.
os.environ.setdefault("GETDATA_CANARY_COPIES", "0")
# A release is live at once where its undo window is not the subject (tests/fulfillment/test_release_window.py).
os.environ.setdefault("GETDATA_RELEASE_UNDO_MINUTES", "0")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's loop runs in the thread that also asks the database
