from celery import shared_task

from getdata.webhooks.outgoing import deliver, sweep


@shared_task(name="webhooks.deliver_task", soft_time_limit=60, time_limit=90)
def deliver_task(delivery_id: str) -> None:
    deliver(delivery_id)


@shared_task(name="webhooks.sweep_task", soft_time_limit=300, time_limit=330)
def sweep_task() -> None:
    sweep()
