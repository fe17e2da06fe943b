"""The servers of the second run are what the product needs: private, signed, resumable, and gone afterwards."""

import hashlib
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg2
import pytest
from botocore.exceptions import ClientError
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from tests.services import missing_services, swift

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.skipif(bool(missing_services()), reason="; ".join(missing_services()) or "all are here")
PART = 5 * 1024 * 1024  # the least S3 takes for a part that is not the last


@pytest.fixture
def store() -> Any:
    return swift.client(os.environ)


@pytest.fixture
def bucket() -> str:
    return os.environ["S3_BUCKET_RELEASED"]


@pytest.fixture
def key(store: Any, bucket: str) -> Iterator[str]:
    name = f"service-tests/{secrets.token_hex(8)}"
    yield name
    store.delete_object(Bucket=bucket, Key=name)


def test_postgresql_answers_in_utf8() -> None:
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_encoding")
            assert cursor.fetchone() == ("UTF8",)
    finally:
        connection.close()


def test_clearing_the_cache_leaves_the_queue_alone() -> None:
    name = f"service-tests:{secrets.token_hex(8)}"
    with Redis.from_url(os.environ["REDIS_URL"]) as cache, Redis.from_url(os.environ["CELERY_BROKER_URL"]) as broker:
        broker.set(name, "kept", ex=60)
        assert cache.get(name) is None
        broker.delete(name)


def test_the_three_buckets_are_there(store: Any) -> None:
    present = {each["Name"] for each in store.list_buckets()["Buckets"]}

    assert {os.environ[name] for name in swift.BUCKETS} <= present


def test_an_unsigned_get_is_refused(store: Any, bucket: str, key: str) -> None:
    store.put_object(Bucket=bucket, Key=key, Body=b"private")

    answer = httpx.get(f"{os.environ['S3_ENDPOINT_URL']}/{bucket}/{key}")

    assert answer.is_client_error
    assert b"private" not in answer.content


def test_a_signed_url_serves_a_range_and_only_that(store: Any, bucket: str, key: str) -> None:
    store.put_object(Bucket=bucket, Key=key, Body=bytes(range(256)) * 64)
    url = store.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=60)

    answer = httpx.get(url, headers={"Range": "bytes=1000-1999"})

    assert answer.status_code == 206
    assert answer.content == (bytes(range(256)) * 64)[1000:2000]
    assert answer.headers["content-range"] == "bytes 1000-1999/16384"


def test_a_signed_url_for_one_object_does_not_open_another(store: Any, bucket: str, key: str) -> None:
    store.put_object(Bucket=bucket, Key=key, Body=b"private")
    url = store.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "another"}, ExpiresIn=60)

    assert httpx.get(url.replace("another", key)).status_code == 403


def test_an_expired_url_is_refused(store: Any, bucket: str, key: str) -> None:
    store.put_object(Bucket=bucket, Key=key, Body=b"private")
    url = store.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": key}, ExpiresIn=1)
    time.sleep(2.1)

    assert httpx.get(url).status_code == 403


def test_parts_become_one_object(store: Any, bucket: str, key: str) -> None:
    parts = [os.urandom(PART), os.urandom(PART), b"the end"]
    upload = store.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"]
    done = []
    for number, part in enumerate(parts, start=1):
        answer = store.upload_part(Bucket=bucket, Key=key, UploadId=upload, PartNumber=number, Body=part)
        done.append({"PartNumber": number, "ETag": answer["ETag"]})
    store.complete_multipart_upload(Bucket=bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": done})

    body = store.get_object(Bucket=bucket, Key=key)["Body"].read()

    assert hashlib.sha256(body).digest() == hashlib.sha256(b"".join(parts)).digest()


def test_a_wrong_content_md5_is_refused(store: Any, bucket: str, key: str) -> None:
    wrong = b64encode(hashlib.md5(b"something else", usedforsecurity=False).digest()).decode()

    with pytest.raises(ClientError) as refusal:
        store.put_object(Bucket=bucket, Key=key, Body=b"something", ContentMD5=wrong)

    assert refusal.value.response["Error"]["Code"] == "BadDigest"


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGKILL])
def test_no_server_outlives_the_launcher(ending: signal.Signals) -> None:
    own = {name: value for name, value in os.environ.items() if name not in {"REDIS_URL", "CELERY_BROKER_URL"}}
    code = "import os, time; print(os.environ['REDIS_URL'], flush=True); time.sleep(30)"
    launcher = subprocess.Popen(
        [sys.executable, "-m", "tests.services", "--", sys.executable, "-c", code],
        cwd=ROOT,
        env=own,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert launcher.stdout is not None
        address = launcher.stdout.readline().strip()
        with Redis.from_url(address, decode_responses=True) as client:
            folder = Path(client.config_get("dir")["dir"]).parent
        launcher.send_signal(ending)
        launcher.wait(timeout=15)

        assert _is_gone(address)
        shutil.rmtree(folder, ignore_errors=True)  # a launcher that was killed could not
    finally:
        try:
            os.killpg(launcher.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def _is_gone(address: str, *, within: float = 10) -> bool:
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            with Redis.from_url(address) as client:
                client.ping()
        except RedisConnectionError:
            return True
        time.sleep(0.1)
    return False
