from celery import shared_task

from getdata.notifications.services import send_outbox


@shared_task(name="notifications.send_outbox_task", soft_time_limit=300, time_limit=330)
def send_outbox_task() -> None:
    send_outbox()
