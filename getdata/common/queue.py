"""Ringing the doorbell: tasks are named, sent after commit, and allowed to be lost (the sweeper rings again)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger("getdata.queue")

#: Bells for files, and for comparisons of images, have queues of their own: ten thousand of them do not keep the sweeper, the
#: mail and everything else waiting, because a worker listens to all queues in turn.
HOUSEKEEPING, FILES, COMPARISONS = "celery", "files", "comparisons"


def enqueue(task_name: str, *args: str | int) -> None:
    """Send a task by name once the current transaction commits. Arguments are our own keys, never data.

    A broker that is down is not an error for the person who pressed the button: the ledger in the database holds the work,
    and the sweeper rings again.
    """
    transaction.on_commit(lambda: ring(task_name, *args))


def after_commit(action: Callable[[], object]) -> None:
    """Do something small and local (removing a staged file) once the current transaction commits; never a network call."""
    transaction.on_commit(lambda: action())


def ring(task_name: str, *args: str | int) -> bool:
    """Send a task now. Returns False, and logs, when the broker cannot be reached."""
    from getdata.celery import app

    try:
        if app.conf.task_always_eager:
            app.loader.import_default_modules()
            app.tasks[task_name].apply(args=args)
        else:
            app.send_task(task_name, args=args, ignore_result=True, retry=False)
    except Exception as error:  # the broker's client raises many kinds; none may reach the caller
        if app.conf.task_always_eager:
            raise
        logger.warning("doorbell.failed", extra={"task": task_name, "error": type(error).__name__})
        return False
    return True


def depth(queue: str) -> int | None:
    """How many messages wait in a queue; None when the broker cannot be asked. Those that a worker has taken do not count."""
    from kombu.exceptions import ChannelError

    from getdata.celery import app

    if app.conf.task_always_eager:
        return 0
    try:
        with app.connection_or_acquire() as connection:
            return int(connection.default_channel.queue_declare(queue=queue, passive=True).message_count)
    except ChannelError:
        return 0  # Redis knows no empty queue
    except Exception as error:  # the broker's client raises many kinds; none may reach the caller
        logger.warning("broker.unreachable", extra={"error": type(error).__name__})
        return None
