"""A PostgreSQL server of a test run: a fresh cluster on a free port, with a password, without durability."""

import os
import secrets
import shutil
import signal
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2

from tests.services.process import (
    LOOPBACK,
    ServiceError,
    Workspace,
    free_ports,
    root_without_setpriv,
    running,
)

NAME = "PostgreSQL"
USER = "getdata"
DATABASE = "getdata"


def provided(environ: Mapping[str, str]) -> bool:
    """Whether the environment already names a PostgreSQL server."""
    return urlsplit(environ.get("DATABASE_URL", "")).scheme in {"postgres", "postgresql", "pgsql", "psql"}


def missing(environ: Mapping[str, str]) -> str | None:
    """Why there is no PostgreSQL, with the remedy; None when there is one."""
    if provided(environ):
        return None
    if environ.get("DATABASE_URL"):
        return f"{NAME}: DATABASE_URL names another kind of database. Unset it, or set it to a postgres:// address."
    if program("initdb") is None or program("postgres") is None:
        return f"{NAME}: initdb is not installed. Install the package postgresql, or set DATABASE_URL."
    if root_without_setpriv():
        return f"{NAME}: it does not run as root, and setpriv is not here. Install util-linux, or run as another user."
    return None


def program(name: str) -> str | None:
    """Find a PostgreSQL program: on PATH, or the newest version where Debian keeps programs that are not on PATH."""
    versions = sorted(
        (folder for folder in Path("/usr/lib/postgresql").glob("*/bin") if (folder / name).exists()),
        key=lambda folder: float(folder.parent.name) if folder.parent.name.replace(".", "").isdigit() else 0.0,
    )
    return str(versions[-1] / name) if versions else shutil.which(name)


@contextmanager
def started(space: Workspace, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run a server for the length of the block; the block gets ``DATABASE_URL``."""
    initdb, postgres = program("initdb"), program("postgres")
    if initdb is None or postgres is None:
        raise ServiceError(missing(environ) or f"{NAME} is not here.")
    folder = space.folder("postgres")
    password = secrets.token_hex(16)
    password_file = space.write(space.path / "postgres-password", password)
    data = folder / "data"
    space.run(
        [
            *(initdb, "--no-sync", "--no-instructions", "--encoding=UTF8", "--locale=C", "--auth=scram-sha-256"),
            *(f"--username={USER}", f"--pwfile={password_file}", f"--pgdata={data}"),
        ],
        name="initdb",
    )
    (port,) = free_ports(1)
    # random_page_cost: as docker-compose.yml has it; with the default for spinning disks the full-text index is passed over.
    quick = (
        "fsync=off",
        "synchronous_commit=off",
        "full_page_writes=off",
        "max_connections=100",
        "random_page_cost=1.1",
    )
    arguments = [postgres, "-D", str(data), "-h", LOOPBACK, "-p", str(port), "-k", ""]
    arguments += [part for setting in quick for part in ("-c", setting)]

    def answers() -> bool:
        try:
            psycopg2.connect(_url(password, port, "postgres"), connect_timeout=2).close()
        except psycopg2.OperationalError:
            return False
        return True

    # SIGINT is PostgreSQL's fast shutdown; SIGTERM would wait for every client to leave.
    with running(space, servers={"postgres": arguments}, ready=answers, stop_signal=signal.SIGINT):
        _create_database(password, port)
        yield {"DATABASE_URL": _url(password, port, DATABASE)}


def _create_database(password: str, port: int) -> None:
    connection = psycopg2.connect(_url(password, port, "postgres"))
    try:
        connection.autocommit = True
        with connection.cursor() as cursor:
            cursor.execute(f"CREATE DATABASE {DATABASE}")
    finally:
        connection.close()


def _url(password: str, port: int, database: str) -> str:
    return f"postgresql://{USER}:{password}@{LOOPBACK}:{port}/{database}"


def summary(environ: Mapping[str, str]) -> str:
    """One short line for the log: where the server is, without its password."""
    address = urlsplit(os.fspath(environ["DATABASE_URL"]))
    return f"{NAME} at {address.hostname}:{address.port or 5432}"
