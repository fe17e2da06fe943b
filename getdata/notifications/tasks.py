from celery import shared_task

from getdata.notifications.digest import send_digests
from getdata.notifications.reminders import send_reminders
from getdata.notifications.services import send_outbox


@shared_task(name="notifications.send_outbox_task", soft_time_limit=300, time_limit=330)
def send_outbox_task() -> None:
    send_outbox()


@shared_task(name="notifications.send_digests_task", soft_time_limit=300, time_limit=330)
def send_digests_task() -> None:
    send_digests()


@shared_task(name="notifications.send_reminders_task", soft_time_limit=300, time_limit=330)
def send_reminders_task() -> None:
    send_reminders()
