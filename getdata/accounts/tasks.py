from celery import shared_task

from getdata.accounts.services import expire_invitations


@shared_task(name="accounts.expire_invitations_task", soft_time_limit=300, time_limit=330)
def expire_invitations_task() -> None:
    expire_invitations()
