"""The fault program: a hospital sends files while something breaks, and at the end every file is accounted for.

``python -m tests.faults [--files 1000] [--fault NAME ...] [--backend embedded|servers]``. The small versions of the same faults are
tests: ``tests/fulfillment/test_faults.py``, ``test_ledger.py``, ``uploads/test_pressure.py``, ``tests/e2e/test_worker_is_killed.py``.
"""
