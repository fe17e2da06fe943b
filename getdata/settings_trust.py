"""Settings of keys, anchors and orphans; ``getdata.settings`` takes them in."""

from __future__ import annotations

import base64

import environ

_env = environ.Env()
#: Master keys before the present one, newest first, while `manage.py rotate_keys` seals anew what they sealed.
GETDATA_OLD_MASTER_KEYS: list[bytes] = [
    base64.b64decode(old) for old in _env.list("GETDATA_OLD_MASTER_KEYS", default=[]) if old
]
#: Who gets each day's anchor of the audit log by e-mail, to keep it where this portal's administrators cannot change it.
ANCHOR_MAIL: list[str] = _env.list("GETDATA_ANCHOR_MAIL", default=[])
ANCHOR_HOURS: int = _env.int("GETDATA_ANCHOR_HOURS", default=24)
#: Hours after which a sealed object that no row names is destroyed.
ORPHAN_HOURS: int = _env.int("GETDATA_ORPHAN_HOURS", default=72)
#: The longest time for which staff may open an organization's scope at once.
OPENING_MINUTES: int = _env.int("GETDATA_OPENING_MINUTES", default=60)

__all__ = ["ANCHOR_HOURS", "ANCHOR_MAIL", "GETDATA_OLD_MASTER_KEYS", "OPENING_MINUTES", "ORPHAN_HOURS"]
