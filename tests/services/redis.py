"""A Redis server of a test run: on a free port, in memory only."""

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from redis import Redis
from redis.exceptions import RedisError

from tests.services.process import LOOPBACK, ServiceError, Workspace, free_ports, running

NAME = "Redis"


def provided(environ: Mapping[str, str]) -> bool:
    """Whether the environment already names a Redis server."""
    return bool(environ.get("REDIS_URL"))


def missing(environ: Mapping[str, str]) -> str | None:
    """Why there is no Redis, with the remedy; None when there is one."""
    if provided(environ) or shutil.which("redis-server") is not None:
        return None
    return f"{NAME}: redis-server is not installed. Install the package redis-server, or set REDIS_URL."


@contextmanager
def started(space: Workspace, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a server for the length of the block; the block gets ``REDIS_URL`` (cache) and ``CELERY_BROKER_URL``."""
    program = shutil.which("redis-server")
    if program is None:
        raise ServiceError(missing(environ) or f"{NAME} is not here.")
    folder = space.folder("redis")
    (port,) = free_ports(1)
    arguments = [program, "--port", str(port), "--bind", LOOPBACK, "--dir", str(folder)]
    arguments += ["--save", "", "--appendonly", "no", "--daemonize", "no"]

    def answers() -> bool:
        try:
            with Redis(host=LOOPBACK, port=port, socket_timeout=2) as client:
                return bool(client.ping())
        except RedisError:
            return False

    with running(space, servers={"redis": arguments}, ready=answers):
        # Two numbered databases, so that clearing the cache in a test does not clear the queue.
        yield {
            "REDIS_URL": f"redis://{LOOPBACK}:{port}/1",
            "CELERY_BROKER_URL": f"redis://{LOOPBACK}:{port}/0",
        }


def summary(environ: Mapping[str, str]) -> str:
    """One short line for the log: where the server is."""
    address = urlsplit(environ["REDIS_URL"])
    return f"{NAME} at {address.hostname}:{address.port or 6379}"
