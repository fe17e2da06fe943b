"""Canaries: copies of the batch's own images with synthetic identities, sent through the engine, and what became of them.

Everything happens in memory. A copy is never written, never released, and dropped as soon as it has been looked at.
"""

from __future__ import annotations

import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pydicom import dcmread

from deid.dicomfile.element import PIXEL_DATA, DataSet, Element
from deid.dicomfile.limits import DEFAULT_LIMITS
from deid.dicomfile.read import EXPLICIT_LE, DicomFile, read_file
from deid.dicomfile.write import write_file
from deid.keyring import Keyring
from deid.outcome import Context, Outcome, Refusal, Released
from deid.pixels.decode import PixelForm, decode_pixels
from deid.policy import Policy
from deid.proof.identities import Draw, Forge
from deid.proof.in_headers import plant_in_header
from deid.proof.in_pixels import burn, set_high_bits
from deid.proof.intervals import clopper_pearson, percent, wilson
from deid.proof.search import HIDDEN_SHARE, Drawing, Planted, hidden_share, split_pixels, survives_in_bytes
from deid.reasons import REASONS

METHOD = "canaries/1"
LEAST, SHARE, MOST = 5, 0.03, 60
KINDS = ("headers", "text", "overlays", "pixels")
"""Burned-in text is a kind of its own: what is easier (overlays, icons, unused bits) must not raise its recall."""


class Engine(Protocol):
    """The engine's entry point with its detector bound, or as it is."""

    def __call__(self, data: bytes, policy: Policy, keyring: Keyring, context: Context) -> Outcome: ...


@dataclass(frozen=True)
class CanaryOutcome:
    """What became of one copy. `withheld`: the reason, or empty. `results`: (kind, place, groups, removed)."""

    withheld: str
    results: tuple[tuple[str, str, tuple[str, ...], bool], ...]


@dataclass
class Measured:
    """Recall of one batch's canaries: tallies by kind and by place, (planted, removed)."""

    copies: int = 0
    withheld: Counter[str] = field(default_factory=Counter)
    withheld_values: int = 0
    kinds: dict[str, list[int]] = field(default_factory=dict)
    places: dict[tuple[str, str], list[int]] = field(default_factory=dict)

    @property
    def missed(self) -> int:
        """Planted values that survived."""
        return sum(planted - removed for planted, removed in self.kinds.values())

    def as_dict(self) -> dict[str, Any]:
        """The certificate's section."""
        return {
            "measured": True,
            "method": METHOD,
            "copies": self.copies,
            "copies_withheld": sum(self.withheld.values()),
            "withheld_reasons": dict(sorted(self.withheld.items())),
            "values_in_withheld_copies": self.withheld_values,
            "missed": self.missed,
            "by_kind": [_recall({"kind": kind}, *self.kinds[kind]) for kind in KINDS if kind in self.kinds],
            "kinds_not_measured": [kind for kind in KINDS if kind not in self.kinds],
            "by_place": [
                {"kind": kind, "place": place, "planted": tally[0], "removed": tally[1]}
                for (kind, place), tally in sorted(self.places.items())
            ],
        }


@dataclass(frozen=True)
class NotMeasured:
    """No canaries were planted, and why, in a plain sentence."""

    reason: str

    @property
    def missed(self) -> int:
        """Nothing was planted, so nothing was missed."""
        return 0

    def as_dict(self) -> dict[str, Any]:
        """The certificate's section."""
        return {"measured": False, "reason": self.reason}


def _recall(head: dict[str, Any], planted: int, removed: int) -> dict[str, Any]:
    low, high = wilson(removed, planted)
    exact_low, exact_high = clopper_pearson(removed, planted)
    return head | {
        "planted": planted,
        "removed": removed,
        "recall_percent": percent(removed, planted),
        "wilson_95": [low, high],
        "clopper_pearson_95": [exact_low, exact_high],
    }


def canary_count(released: int, wanted: int | None = None) -> int:
    """How many images to copy: `wanted`, else 3 % of what was released, at least 5, at most 60, never more than there are.

    A copy costs what its image cost. Up to 60 copies keep the measurement within 3 % of the time of a large batch and
    within five images' time of a small one.
    """
    if wanted is not None:
        return min(max(0, wanted), released)
    return min(released, max(LEAST, min(MOST, int(SHARE * released))))


def choose(digests: Sequence[str], keyring: Keyring, count: int) -> list[int]:
    """Indexes of the images to copy, drawn from the batch's key and the images' digests: the same in every run."""
    order = sorted(range(len(digests)), key=lambda i: (keyring.digest("canary", f"choice\x1f{digests[i]}"), i))
    return sorted(order[:count])


def run_canary(
    data: bytes, policy: Policy, keyring: Keyring, engine: Engine, *, style: int = 0
) -> CanaryOutcome | None:
    """Plant into a copy of one image, run the engine over it, look at what came out. None when it cannot be planted."""
    seed = hashlib.sha256(data).hexdigest()
    draw = Draw(keyring, seed)
    try:
        file = read_file(data)
        pixels = decode_pixels(file.dataset, file.syntax, DEFAULT_LIMITS)
    except Refusal:
        return None
    header = write_file(_without_pixels(file), EXPLICIT_LE).lower()
    forge = Forge(draw, lambda token: token.lower().encode("utf-8") in header)
    planted_file = plant_in_header(file, forge, dates_kept=policy.date_mode == "keep", style=style)
    planted = list(planted_file.planted)
    known = tuple(needle for one in planted[:12] for needle in one.needles[:1] if needle.isascii()) or (forge.word(),)
    burned = burn(pixels.values, pixels.form, forge, known)
    planted += burned.planted
    if set_high_bits(burned.values, pixels.form, draw):
        planted.append(Planted("overlays", "bits above BitsStored"))
    _put_native(planted_file.dataset, burned.values, pixels.form, pixels.photometric)
    outcome = engine(planted_file.to_bytes(EXPLICIT_LE), policy, keyring, Context())
    if not isinstance(outcome, Released):
        return CanaryOutcome(outcome.reason, tuple((p.kind, p.place, p.groups, False) for p in planted))
    found = _look(outcome.data, planted, burned.drawings, burned.values, pixels.form, planted_file.codec)
    return CanaryOutcome("", tuple((p.kind, p.place, p.groups, gone) for p, gone in zip(planted, found, strict=True)))


def _without_pixels(file: DicomFile) -> DataSet:
    return DataSet({tag: element for tag, element in file.dataset.elements.items() if tag != PIXEL_DATA})


def _put_native(dataset: Any, values: NDArray[Any], form: PixelForm, photometric: str) -> None:
    raw = values.astype(values.dtype.newbyteorder("<"), copy=False).tobytes()
    dataset.put(Element(PIXEL_DATA, "OW" if form.bits_allocated == 16 else "OB", raw + b"\0" * (len(raw) % 2)))
    if form.samples == 3:
        dataset.put(Element(0x00280006, "US", b"\0\0"))
        dataset.put(Element(0x00280004, "CS", photometric.encode("ascii")))


def _look(
    output: bytes, planted: list[Planted], drawings: list[Drawing], before: NDArray[Any], form: PixelForm, codec: str
) -> list[bool]:
    """For each planted value, whether it is gone. pydicom reads the pixels, because the engine's reader is on trial."""
    header, encoded = split_pixels(output)
    raw = dcmread(io.BytesIO(output)).PixelData
    after = np.frombuffer(raw, dtype=before.dtype, count=before.size).reshape(before.shape)
    spare = form.bits_allocated - form.bits_stored
    low_bits = before.dtype.type((1 << form.bits_stored) - 1) if spare and not form.signed else None
    shown = (before & low_bits, after & low_bits) if low_bits is not None else (before, after)
    gone = []
    for one in planted:
        if one.glyphs >= 0:
            gone.append(hidden_share(drawings[one.glyphs], *shown) >= HIDDEN_SHARE)
        elif one.place == "bits above BitsStored":
            gone.append(low_bits is not None and not bool((after & ~low_bits).any()))
        else:
            gone.append(not survives_in_bytes(one, header, encoded, (codec,)))
    return gone


def measure(outcomes: Iterable[CanaryOutcome | None]) -> Measured | NotMeasured:
    """The tally of a batch. Values in withheld copies count as neither removed nor missed."""
    result = Measured()
    for outcome in outcomes:
        if outcome is None:
            continue
        result.copies += 1
        if outcome.withheld:
            result.withheld[outcome.withheld if outcome.withheld in REASONS else "engine-error"] += 1
            result.withheld_values += len(outcome.results)
            continue
        for kind, place, groups, removed in outcome.results:
            for tally in (
                result.kinds.setdefault(kind, [0, 0]),
                *(result.places.setdefault((kind, name), [0, 0]) for name in (place, *groups)),
            ):
                tally[0] += 1
                tally[1] += removed
    if not result.copies:
        return NotMeasured("No image of the batch could be copied to plant canaries in.")
    return result
