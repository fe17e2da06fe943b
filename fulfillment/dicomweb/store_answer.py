"""What a Store transaction answers, instance by instance (PS3.18 10.5.3, PS3.3 table of the Store Instances Response Module)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any


class Reason(IntEnum):
    """FailureReason (0008,1197) and, of C-STORE, the status: PS3.18 table 10.5.3-2, PS3.4 table B.2-1, PS3.7 annex C."""

    PROCESSING_FAILURE = 0x0110
    NOT_AUTHORIZED = 0x0124
    OUT_OF_RESOURCES = 0xA700
    DOES_NOT_MATCH = 0xA900
    NOT_UNDERSTOOD = 0xC000
    SYNTAX_NOT_SUPPORTED = 0xC122


#: WarningReason (0008,1196): the file says two SOP classes. It is taken in; the pipeline decides.
WARNING_DOES_NOT_MATCH = 0xB007


@dataclass(frozen=True)
class Outcome:
    """What became of one instance. Empty UIDs: it was not known which instance it is. ``failure`` None: it is in the ledger."""

    sop_class: str = ""
    sop_instance: str = ""
    failure: Reason | None = None
    warning: int | None = None


def status_of(outcomes: Iterable[Outcome], *, cut_short: bool = False) -> int:
    """200 all stored, 202 stored with failures or warnings, 409 nothing stored, 400 nothing came (PS3.18 table 10.5.3-1)."""
    known = list(outcomes)
    stored = [one for one in known if one.failure is None]
    if not known:
        return 400
    if not stored:
        return 409
    return 202 if cut_short or len(stored) < len(known) or any(one.warning for one in stored) else 200


def document(outcomes: Iterable[Outcome], *, cut_short: bool = False) -> dict[str, Any]:
    """The response's data set in the DICOM JSON Model. ReferencedSOPSequence is always there, for senders that count it."""
    referenced, failed, other = [], [], []
    for one in outcomes:
        if one.failure is None:
            item = {**_instance(one), "00081190": {"vr": "UR"}}  # originals are not given back: no address
            if one.warning is not None:
                item["00081196"] = {"vr": "US", "Value": [one.warning]}
            referenced.append(item)
        elif one.sop_instance:
            failed.append({**_instance(one), "00081197": {"vr": "US", "Value": [int(one.failure)]}})
        else:
            other.append({"00081197": {"vr": "US", "Value": [int(one.failure)]}})
    if cut_short:
        other.append({"00081197": {"vr": "US", "Value": [int(Reason.PROCESSING_FAILURE)]}})
    made: dict[str, Any] = {"00081190": {"vr": "UR"}, "00081199": _sequence(referenced)}
    if failed:
        made["00081198"] = _sequence(failed)
    if other:
        made["0008119A"] = _sequence(other)
    return made


def _instance(one: Outcome) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [one.sop_class]},
        "00081155": {"vr": "UI", "Value": [one.sop_instance]},
    }


def _sequence(items: list[dict[str, Any]]) -> dict[str, Any]:
    return {"vr": "SQ", "Value": items} if items else {"vr": "SQ"}
