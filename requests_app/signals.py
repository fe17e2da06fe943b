"""What this app announces to apps above it, which it does not import."""

from django.dispatch import Signal

#: Sent inside the transaction that accepts an offer. Arguments: ``offer``, ``actor``.
offer_accepted = Signal()
