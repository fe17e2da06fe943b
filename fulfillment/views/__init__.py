"""Pages of delivery, review and release."""
