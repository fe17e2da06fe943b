"""The second look as a whole, and what of it becomes which reason."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from deid.outcome import Refusal
from deid.verify.giveaways import gather, keyword
from deid.verify.pixels import Changed, PixelProof, check_pixels, pixel_sha256
from deid.verify.search import Found, dates_left, search
from deid.verify.structure import Malformed, check_form, check_marks, check_required
from deid.verify.walk import Broken, Walked, walk

__all__ = ["DateRule", "PixelProof", "pixel_sha256", "verify_output"]
_DUMMY = "19000101"


@dataclass(frozen=True)
class DateRule:
    """What the policy does to dates: moved back by `days`, cut to the year, or kept."""

    mode: Literal["shift", "year", "keep"]
    days: int = 0

    def moved(self, day: str) -> str:
        """A date of eight digits as the rule leaves it; "" when it is none."""
        if self.mode == "year":
            return day[:4] + "0101"
        try:
            value = date(int(day[:4]), int(day[4:6]), int(day[6:8]))
            return (value - timedelta(days=self.days if self.mode == "shift" else 0)).strftime("%Y%m%d").zfill(8)
        except (ValueError, OverflowError):
            return ""


def verify_output(
    output: bytes, original: bytes, proof: PixelProof, dates: DateRule, known: Iterable[str] = ()
) -> dict[str, bool]:
    """Checks passed, by name. Raises Refusal: identifier-left, verify-structure, verify-required, verify-pixels.

    output, original: whole files. known: what the batch knows of the patient besides. Nothing of the first pass is used but
    the decoded values of compressed input (`proof`).
    """
    try:
        mine = walk(output)
    except (Broken, IndexError) as problem:
        raise Refusal("verify-structure", str(problem)) from None
    try:
        source = walk(original)
    except (Broken, IndexError, zlib.error) as problem:
        raise Refusal("malformed", f"second reading: {type(problem).__name__}") from None
    secrets = gather(source, known)
    try:
        check_form(output, mine)
        check_required(mine, source)
        check_marks(mine, "UNMODIFIED" if dates.mode == "keep" else "MODIFIED")
        search(mine, output, secrets)
        allowed = {dates.moved(day) for day in secrets.all_dates} | {_DUMMY}
        _check_dates(mine, allowed)
        dates_left(mine, output, secrets.dates if dates.mode != "keep" else (), allowed)
        check_pixels(mine, source, proof)
    except Malformed as problem:
        raise Refusal("verify-required" if problem.required else "verify-structure", str(problem)) from None
    except Found as problem:
        raise Refusal("identifier-left", str(problem)) from None
    except Changed as problem:
        raise Refusal("verify-pixels", str(problem)) from None
    names = ("structure", "required-attributes", "marks", "uids", "identifier-search", "pixels-outside-masks")
    return {**dict.fromkeys(names, True), "dates": dates.mode != "keep"}


def _check_dates(output: Walked, allowed: set[str]) -> None:
    """Every whole date of the output is a date of the input as the rule leaves it."""
    for seen in output.elements:
        if seen.vr in ("DA", "DT"):
            for day in re.findall(r"(?<!\d)\d{8}", seen.value.decode("latin-1")):
                if day not in allowed:
                    raise Found(f"{keyword(seen.tag)} (a date that the rule does not give)")
