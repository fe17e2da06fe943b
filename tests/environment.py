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
os.environ["GETDATA_VAR"] = os.environ["GETDATA_TESTS_VAR"]
os.environ["GETDATA_ENV"] = "embedded"
os.environ.setdefault("GETDATA_TEST_BACKEND", "embedded")
# Sealing would run the detector over planted copies; tests of certificates ask for it.
os.environ.setdefault("GETDATA_CANARY_COPIES", "0")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")
os.environ.setdefault("LOG_LEVEL", "ERROR")
os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # playwright's loop runs in the thread that also asks the database
