"""Secrets of second factors under a new master key: they lie sealed inside allauth's own rows (``adapter.SecondFactorAdapter``)."""

from __future__ import annotations

import base64
from typing import Any

from allauth.mfa.models import Authenticator

from getdata.accounts.adapter import SEALED, SECOND_FACTORS
from getdata.common import crypto
from getdata.common.sealed_columns import Counts


def seal_factors_anew() -> Counts:
    """Seal anew what an older master key sealed, row by row by compare-and-swap; can be stopped and begun again."""
    counts = Counts()
    for pk, data in list(Authenticator.objects.order_by("pk").values_list("pk", "data")):
        try:
            new = _anew(data)
        except (crypto.CannotOpen, ValueError):
            counts.unopened += 1
            continue
        if new == data:
            counts.already += 1
        elif Authenticator.objects.filter(pk=pk, data=data).update(data=new):
            counts.anew += 1
        else:
            counts.changed += 1
    return counts


def _anew(value: Any) -> Any:
    """The same value with each sealed text in it under the present master key."""
    if isinstance(value, dict):
        return {name: _anew(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_anew(inner) for inner in value]
    if not isinstance(value, str) or not value.startswith(SEALED):
        return value
    again = crypto.resealed(base64.b64decode(value.removeprefix(SEALED)), scope=SECOND_FACTORS)
    return value if again is None else SEALED + base64.b64encode(again).decode()
