"""What a quality score says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

SCORE_NAME = "GetDATA-Q"
SCORE_VERSION = "2.0"


@dataclass(frozen=True, slots=True)
class Gate:
    """One condition that must hold before a score means anything. `tag` is the DICOM keyword, or ""."""

    code: str
    check_id: str
    tag: str
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class QualityResult:
    """The verdict on one image.

    version: "GetDATA-Q 2.0". gate: True if every gate is passed; gate_reason: the first failed gate's code,
    or "". total: 0 to 100, and 0 whenever a gate fails; technical: the score of the components alone.
    components: each 0 to 100, by the names a request uses. weakest: the component that holds the score down
    most; remedy: what would raise it; gain: by about how many points of the total, if that were done.
    measures: the raw figures behind the components, for whoever wants to check.
    """

    version: str
    gate: bool
    gate_reason: str
    total: float
    technical: float
    components: dict[str, float] = field(hash=False)
    weakest: str
    remedy: str
    gain: float
    gates: tuple[Gate, ...] = ()
    measures: dict[str, float] = field(default_factory=dict, hash=False)

    @property
    def headline(self) -> str:
        """One line for a list: "Depth 40: ... , +31", or why a gate refused."""
        if self.gates:
            return f"{self.gates[0].message} {self.gates[0].remedy}"
        if not self.remedy:
            return f"{self.total:.0f} of 100"
        return f"{self.weakest.capitalize()} {self.components[self.weakest]:.0f}: {self.remedy} (+{self.gain:.0f})"

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> QualityResult:
        """Read what `as_dict` wrote."""
        return cls(**{**data, "gates": tuple(Gate(**gate) for gate in data.get("gates", ()))})
