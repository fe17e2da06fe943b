"""Ringing the doorbell: tasks are named, sent after commit, and allowed to be lost (the sweeper rings again)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from django.db import transaction

logger = logging.getLogger("getdata.queue")


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
