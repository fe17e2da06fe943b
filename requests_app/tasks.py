"""What the clock does here."""

from celery import shared_task

from requests_app.services.listing import sweep_listings
from requests_app.services.offers import expire_offers
from requests_app.services.saved_searches import tell_searchers


@shared_task(name="requests_app.expire_task", soft_time_limit=300, time_limit=330)
def expire_task() -> None:
    """End offers that waited too long. A request stays open past its deadline until its owner closes or amends it."""
    expire_offers()


@shared_task(name="requests_app.sweep_listings_task", soft_time_limit=300, time_limit=330)
def sweep_listings_task() -> None:
    """Keep the catalogue's rows as they should be."""
    sweep_listings()


@shared_task(name="requests_app.tell_searchers_task", soft_time_limit=300, time_limit=330)
def tell_searchers_task() -> None:
    """Tell people of requests that fit their saved searches."""
    tell_searchers()
