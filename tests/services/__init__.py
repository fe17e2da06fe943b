"""PostgreSQL, Redis and an S3 store for the second test run, started in a temporary folder and stopped afterwards.

``python -m tests.services -- COMMAND...`` starts what the environment does not already name, runs COMMAND with the
variables that the settings read, stops everything, and passes on COMMAND's exit status. A server that the environment
names (``DATABASE_URL``, ``REDIS_URL``, ``S3_ENDPOINT_URL``) is used as it is and never stopped.

Nothing here imports Django, so that the launcher can set the environment before the settings are read.
"""

import os
from collections.abc import Mapping

from tests.services import postgres, redis, swift

SERVICES = (postgres, redis, swift)
FAILURE_VARIABLE = "GETDATA_SERVICES_FAILURE"
"""Set by the launcher when a server that is installed did not start; its value is the reason."""


def missing_services(environ: Mapping[str, str] | None = None) -> list[str]:
    """Say which services the second run cannot have here, each with its cause and the remedy.

    Inside the launcher the variables of running services are set, so the list is empty there. Outside it, a service
    counts as present when the environment names one or when its programs are installed.
    """
    environ = os.environ if environ is None else environ
    reasons = [reason for service in SERVICES if (reason := service.missing(environ)) is not None]
    if failure := environ.get(FAILURE_VARIABLE):
        reasons.append(failure)
    return reasons
