"""The Celery application. The broker is a doorbell; the ledger of work is the database (see docs/architecture.md)."""

import os

from celery import Celery
from celery.signals import beat_init, setup_logging, worker_init, worker_process_init
from kombu import Exchange, Queue

from getdata.common import embedded_broker
from getdata.common.queue import COMPARISONS, FILES, HOUSEKEEPING

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "getdata.settings")

embedded_broker.install()
app = Celery("getdata")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Each with an exchange and a key of its own: with the defaults for both, every message would go to all three.
app.conf.task_queues = [Queue(name, Exchange(name), routing_key=name) for name in (HOUSEKEEPING, FILES, COMPARISONS)]
app.conf.task_routes = {
    "fulfillment.process_task": {"queue": FILES},
    "fulfillment.compare_task": {"queue": COMPARISONS},
}
app.autodiscover_tasks()


@setup_logging.connect
def _use_the_projects_logging(**_: object) -> None:
    """Celery's own logging would print task arguments; ours is configured in settings and does not."""


@worker_init.connect
@beat_init.connect
def _no_unsafe_production(**_: object) -> None:
    """A worker does not start with a configuration that the portal refuses."""
    from django.core.exceptions import ImproperlyConfigured

    from getdata.checks import refuse_unsafe_production

    try:
        refuse_unsafe_production()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None  # Celery logs an exception of a signal's receiver and goes on


@worker_process_init.connect
def _one_thread_a_process(**_: object) -> None:
    """One worker process a core: numeric libraries must not start threads of their own."""
    import cv2

    cv2.setNumThreads(1)


@worker_process_init.connect
def _a_limit_on_memory(**_: object) -> None:
    """A hostile file that would take all memory gets a MemoryError of its own, before the kernel ends other processes.

    The soft limit alone is lowered, so that it can be raised again; an unlimited or higher one is replaced.
    """
    import resource

    from django.conf import settings

    if settings.WORKER_MEMORY_MB <= 0:
        return
    wanted = settings.WORKER_MEMORY_MB * 1024**2
    hard = resource.getrlimit(resource.RLIMIT_AS)[1]
    resource.setrlimit(resource.RLIMIT_AS, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


@worker_process_init.connect
def _no_core_files(**_: object) -> None:
    """A process that crashes over an original must not leave its memory behind in a file."""
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
