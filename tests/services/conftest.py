"""The tests of running servers belong to the second run only; in the first they are left out, not skipped."""

import os

collect_ignore = [] if os.environ.get("GETDATA_TEST_BACKEND") == "servers" else ["test_servers.py"]
