"""What is broken inside the portal's own processes: imported by worker (``-I``) and web, told by GETDATA_TEST_FAULT what to break."""

from __future__ import annotations

import errno
import os
import random
import signal
import threading
from datetime import timedelta
from typing import Any

FAULT = os.environ.get("GETDATA_TEST_FAULT", "")
#: Files with these numbers kill the worker that works on them.
POISON = (7, 23, 41)


def flaky_store(one_in: int = 5) -> None:
    """One call in five fails, reading and writing, as a network or a disk would."""
    from django.core.files.storage import FileSystemStorage
    from storages.backends.s3 import S3Storage

    for kind in (FileSystemStorage, S3Storage):
        for name in ("_save", "_open"):
            _fail_sometimes(kind, name, one_in)


def _fail_sometimes(kind: Any, name: str, one_in: int) -> None:
    original = getattr(kind, name)
    dice = random.Random(os.getpid())

    def call(self: Any, *arguments: Any, **options: Any) -> Any:
        if dice.randrange(one_in) == 0:
            raise OSError(errno.EIO, "injected")
        return original(self, *arguments, **options)

    setattr(kind, name, call)


def everything_twice() -> None:
    """Each bell rings twice; a file in work is delivered to a second thread meanwhile, and once more with the old claim after."""
    from django.db import connection

    from fulfillment import pipeline
    from getdata.common import queue

    ring, carry = queue.ring, pipeline._carry
    queue.ring = lambda *arguments: ring(*arguments) and ring(*arguments)

    def second(pk: Any) -> None:
        try:
            pipeline.process(pk)
        finally:
            connection.close()

    def twice(held: Any) -> None:
        meanwhile = threading.Thread(target=second, args=[held.file.pk])
        meanwhile.start()
        carry(held)
        meanwhile.join()
        carry(held)  # a worker that slept through its lease and goes on

    pipeline._carry = twice  # type: ignore[assignment]


def wrong_clock(hours: int) -> None:
    """This process's clock is wrong by so many hours."""
    from django.utils import timezone

    now = timezone.now
    timezone.now = lambda: now() + timedelta(hours=hours)  # type: ignore[assignment]


def poison() -> None:
    """Some files kill the process that works on them, as a crashing codec or the kernel would."""
    from fulfillment import pipeline

    carry = pipeline._carry

    def die(held: Any) -> None:
        if held.file.number in POISON:
            os.kill(os.getpid(), signal.SIGKILL)
        carry(held)

    pipeline._carry = die  # type: ignore[assignment]


def install() -> None:
    """Break what GETDATA_TEST_FAULT names."""
    match FAULT.partition(":"):
        case ("store", _, _):
            flaky_store()
        case ("twice", _, _):
            everything_twice()
        case ("clock", _, hours):
            wrong_clock(int(hours))
        case ("poison", _, _):
            poison()


if FAULT:
    from celery.signals import worker_process_init

    @worker_process_init.connect
    def _in_each_worker_process(**_: object) -> None:
        install()
