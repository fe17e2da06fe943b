"""What the clock does here."""

from celery import shared_task

from requests_app.services.offers import expire_offers


@shared_task(name="requests_app.expire_task", soft_time_limit=300, time_limit=330)
def expire_task() -> None:
    """End offers that waited too long. A request stays open past its deadline until its owner closes or amends it."""
    expire_offers()
