"""An S3 store of a test run: OpenStack Swift behind its s3api middleware, one replica, on four free ports.

Chosen over an in-process imitation because it really verifies signatures: it refuses a bad signature, an expired URL,
an unsigned GET and a wrong Content-MD5.
"""

import getpass
import os
import secrets
import shutil
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from tests.services.process import (
    LOOPBACK,
    ServiceError,
    Workspace,
    free_ports,
    root_without_setpriv,
    running,
    supports_extended_attributes,
)

NAME = "S3 store"
REGION = "us-east-1"
BUCKETS = {
    "S3_BUCKET_QUARANTINE": "getdata-quarantine",
    "S3_BUCKET_RELEASED": "getdata-released",
    "S3_BUCKET_PREVIEWS": "getdata-previews",
}
REQUIRED = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY", *BUCKETS)
STORAGE_SERVERS = ("account", "container", "object")
PROGRAMS = tuple(f"swift-{kind}-server" for kind in ("proxy", *STORAGE_SERVERS))
PACKAGES = "swift-proxy swift-account swift-container swift-object"
# Swift reads its hash path from here and nowhere else; the package brings it.
SWIFT_CONF = Path("/etc/swift/swift.conf")

_SERVER = """
[DEFAULT]
bind_ip = 127.0.0.1
bind_port = {port}
workers = 0
user = {owner}
swift_dir = {folder}
devices = {folder}/devices
mount_check = false
fallocate_reserve = 0
log_level = WARNING
log_statsd_host =
"""

_PROXY = """
[pipeline:main]
pipeline = catch_errors gatekeeper healthcheck cache s3api tempauth bulk slo proxy-server

[app:proxy-server]
use = egg:swift#proxy
account_autocreate = true
allow_account_management = true

[filter:catch_errors]
use = egg:swift#catch_errors

[filter:gatekeeper]
use = egg:swift#gatekeeper

[filter:healthcheck]
use = egg:swift#healthcheck

# tempauth insists on a cache filter, yet works when the cache never answers: nothing listens on this address, and after
# the first refusal Swift stops asking.
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:1
error_suppression_limit = 1
error_suppression_interval = 1000000

[filter:s3api]
use = egg:swift#s3api
# Tests send small parts, so that a package of a few images has many; S3 itself asks for 5 MiB.
min_segment_size = 1
location = us-east-1

[filter:tempauth]
use = egg:swift#tempauth
user_test_{user} = {key} .admin

[filter:bulk]
use = egg:swift#bulk

[filter:slo]
use = egg:swift#slo
"""

_STORAGE = """
[pipeline:main]
pipeline = {kind}-server

[app:{kind}-server]
use = egg:swift#{kind}
"""

# The rings of all three servers in one process: nine starts of swift-ring-builder would take longer than the servers.
_RINGS = """
import sys
from swift.common.ring import RingBuilder
folder, device = sys.argv[1], sys.argv[2]
for name, port in zip(("account", "container", "object"), sys.argv[3:]):
    builder = RingBuilder(part_power=4, replicas=1, min_part_hours=0)
    builder.add_dev({"region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": device, "weight": 1})
    builder.rebalance()
    builder.get_ring().save(f"{folder}/{name}.ring.gz")
"""


def provided(environ: Mapping[str, str]) -> bool:
    """Whether the environment already names an S3 store."""
    return bool(environ.get("S3_ENDPOINT_URL"))


def missing(environ: Mapping[str, str]) -> str | None:
    """Why there is no S3 store, with the remedy; None when there is one."""
    if provided(environ):
        absent = [name for name in REQUIRED if not environ.get(name)]
        return f"{NAME}: S3_ENDPOINT_URL is set, but {', '.join(absent)} is not. Set it too." if absent else None
    if any(shutil.which(name) is None for name in PROGRAMS):
        return f"{NAME}: Swift is not installed. Install the packages {PACKAGES}, or set S3_ENDPOINT_URL."
    if not os.access(SWIFT_CONF, os.R_OK):
        return f"{NAME}: {SWIFT_CONF} cannot be read. Reinstall the package swift-proxy."
    if root_without_setpriv():
        return f"{NAME}: it does not run as root, and setpriv is not here. Install util-linux, or change user."
    return None


@contextmanager
def started(space: Workspace, environ: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Run the store with its three buckets for the length of the block; the block gets the ``S3_*`` variables."""
    if reason := missing(environ):
        raise ServiceError(reason)
    if not supports_extended_attributes(space.path):
        raise ServiceError(
            f"{NAME}: the temporary folder's file system has no user extended attributes, which Swift needs."
            " Set TMPDIR to a folder on ext4 or xfs."
        )
    folder = space.folder("swift")
    for name in ("devices", "devices/d1", "locks"):
        space.folder(f"swift/{name}")
    ports = dict(zip(("proxy", *STORAGE_SERVERS), free_ports(4), strict=True))
    space.run(
        [_interpreter(), "-c", _RINGS, str(folder), "d1", *(str(ports[kind]) for kind in STORAGE_SERVERS)],
        name="Building Swift's rings",
    )
    user, key = secrets.token_hex(8), secrets.token_hex(24)
    owner = space.user or getpass.getuser()
    texts = {"proxy": (_SERVER + _PROXY).format(folder=folder, owner=owner, port=ports["proxy"], user=user, key=key)}
    for kind in STORAGE_SERVERS:
        texts[kind] = (_SERVER + _STORAGE).format(folder=folder, owner=owner, port=ports[kind], kind=kind)
    servers = {}
    for kind, text in texts.items():
        path = space.write(folder / f"{kind}-server.conf", text)
        servers[f"swift-{kind}"] = [str(shutil.which(f"swift-{kind}-server")), str(path), "-v"]
    settings = {
        "GETDATA_STORAGE": "s3",
        "S3_ENDPOINT_URL": f"http://{LOOPBACK}:{ports['proxy']}",
        "S3_ACCESS_KEY_ID": f"test:{user}",
        "S3_SECRET_ACCESS_KEY": key,
        "S3_REGION": REGION,
        **BUCKETS,
    }
    with running(space, servers=servers, ready=lambda: all(map(_listens, ports.values()))):
        _create_buckets(settings)
        yield settings


def client(environ: Mapping[str, str]) -> Any:
    """A boto3 client for the store that the environment names, with path addresses and version 4 signatures."""
    return boto3.client(
        "s3",
        endpoint_url=environ["S3_ENDPOINT_URL"],
        aws_access_key_id=environ["S3_ACCESS_KEY_ID"],
        aws_secret_access_key=environ["S3_SECRET_ACCESS_KEY"],
        region_name=environ.get("S3_REGION") or REGION,
        config=Config(signature_version="s3v4", s3={"addressing_style": "path"}, retries={"max_attempts": 5}),
    )


def summary(environ: Mapping[str, str]) -> str:
    """One short line for the log: where the store is."""
    address = urlsplit(environ["S3_ENDPOINT_URL"])
    return f"{NAME} at {address.hostname}:{address.port or ''}".rstrip(":")


def _interpreter() -> str:
    """The Python that Swift is installed for: the one its programs name in their first line."""
    with Path(str(shutil.which(PROGRAMS[0]))).open(encoding="utf-8") as program:
        return program.readline().removeprefix("#!").split()[0]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((LOOPBACK, port)) == 0


def _create_buckets(environ: Mapping[str, str]) -> None:
    store = client(environ)
    try:
        for bucket in BUCKETS:
            store.create_bucket(Bucket=environ[bucket])
    except (BotoCoreError, ClientError) as error:
        raise ServiceError(f"{NAME}: the store started but a bucket could not be made: {error}") from error
