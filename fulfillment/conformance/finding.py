"""One remark of a checker about an image or a batch: what, how binding, why, and what to do."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Literal

Severity = Literal["must", "should", "info"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`tag` is the DICOM keyword concerned, or "". `check_id` names the line of the request, or "".

    The message never repeats free text or a patient's data from the header: it may be stored and mailed.
    """

    code: str
    severity: Severity
    check_id: str
    tag: str
    message: str
    remedy: str

    @property
    def refuses(self) -> bool:
        """True if the image (or batch) does not meet the request."""
        return self.severity == "must"

    def as_dict(self) -> dict[str, str]:
        return asdict(self)
