"""How files come in: resumable transfers (tus 1.0), one-shot requests, forms; all end in one entry to the ledger."""

from fulfillment.uploads.ledger_entry import find_taken, take_in
from fulfillment.uploads.sweep import Swept, sweep
from fulfillment.uploads.transfers import append, create_upload, finish, measure, terminate, terminate_all, uploads_of

__all__ = [
    "Swept",
    "append",
    "create_upload",
    "find_taken",
    "finish",
    "measure",
    "sweep",
    "take_in",
    "terminate",
    "terminate_all",
    "uploads_of",
]
