"""GetDATA-Q 1.0: the first quality score. docs/quality-score.md explains every figure.

    total = 1/2 * weighted mean of the components + 1/2 * weakest component

so that one bad property cannot hide behind six good ones. Each component maps one measure to 0..100 by a
smooth curve. In the total, the other components count for at most 15 more than sharpness, because blurring
lowers noise, fills in grey levels and hides block edges without making an image any better; sharpness in turn
counts for at most 30 more than noise, as strong noise looks like edges. The components themselves are shown, and
compared with a request's minimums, as they are measured.
"""

from __future__ import annotations

import math
from dataclasses import asdict

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.finding import Finding
from fulfillment.quality.gates import GateRules, grey_plane, header_gates
from fulfillment.quality.measure import Measures, measure
from fulfillment.quality.result import SCORE_NAME, SCORE_VERSION, Gate, QualityResult
from requests_app.spec.document import DatasetSpec

WEIGHTS: dict[str, float] = {
    "resolution": 0.15,
    "sharpness": 0.25,
    "noise": 0.15,
    "depth": 0.15,
    "clipping": 0.10,
    "blockiness": 0.10,
    "contrast": 0.10,
}
HEADROOM = 15.0
# What a component is taken to reach once its remedy is followed; also where no remedy is offered any more.
REPAIRED = 90.0
CONTENT = 85.0


def components_of(found: Measures) -> dict[str, float]:
    """The components, 0 to 100, from the measures."""
    size = min(1.0, max(0.0, math.log2(max(found.short_side, 1) / 256) / 3))
    raw = {
        # 2,048 pixels and full detail are 100; each halving of the side costs a third.
        "resolution": 100 * size * (1 - math.exp(-found.information)),
        "sharpness": 100 * (1 - math.exp(-max(0.0, found.acutance - 1.0) / 0.45)),
        # Half marks where noise is 2 % of the grey range.
        "noise": 100 / (1 + (found.noise / 0.02) ** 1.5),
        "depth": _depth(found.levels),
        "clipping": 100 * math.exp(-found.clipped / 0.03),
        "blockiness": 100 / (1 + (max(0.0, found.blockiness - 0.01) / 0.25) ** 1.2),
        "contrast": 100 * (1 - math.exp(-found.detail / 0.08)),
    }
    return {name: round(min(100.0, max(0.0, raw[name])), 2) for name in WEIGHTS}


def _depth(levels: int) -> float:
    """Grey levels in use, by bits: 2 bits are 0, 6 are 20, 8 are 45, 10 are 80, 12 are 100."""
    return float(np.interp(math.log2(max(levels, 1)), [2, 6, 8, 10, 12], [0, 20, 45, 80, 100]))


def total_of(components: dict[str, float]) -> float:
    """The total of a set of components."""
    sharpness = min(components["sharpness"], components["noise"] + 2 * HEADROOM)
    ceiling = sharpness + HEADROOM
    held = {name: min(value, ceiling) for name, value in components.items()} | {"sharpness": sharpness}
    mean = sum(WEIGHTS[name] * held[name] for name in WEIGHTS)
    return 0.5 * mean + 0.5 * min(components.values())


def _remedy(weakest: str, found: Measures, facts: ImageFacts) -> str:
    match weakest:
        case "resolution":
            if found.short_side < 1536:
                return "the image is small; send the original size"
            return "the image is larger than the detail in it, as after enlarging; send the original size"
        case "sharpness":
            return "edges are soft; leave out images with motion, and send originals without smoothing"
        case "noise":
            return "noise is strong; check the exposure, and send originals without sharpening"
        case "depth":
            if (facts.bits_stored or 16) > 8 and found.levels <= 256:
                return "these look like 8-bit exports in a larger file; send the original DICOM"
            return "few grey levels are used; send the original DICOM, not a viewer's export"
        case "clipping":
            return "black or white areas are cut off; send stored values, not a windowed copy"
        case "blockiness":
            return "JPEG blocks are visible; send a losslessly stored original"
        case _:
            return "structures hardly stand out; check exposure and processing, and that the image shows a chest"


def _refused(gates: list[Gate], components: dict[str, float], found: Measures | None) -> QualityResult:
    weakest = min(components, key=lambda name: components[name]) if components else ""
    return QualityResult(
        version=f"{SCORE_NAME} {SCORE_VERSION}",
        gate=False,
        gate_reason=gates[0].code,
        total=0.0,
        technical=round(total_of(components), 1) if components else 0.0,
        components=components,
        weakest=weakest,
        remedy=gates[0].remedy,
        gain=0.0,
        gates=tuple(gates),
        measures=_figures(found),
    )


def _figures(found: Measures | None) -> dict[str, float]:
    return {} if found is None else {name: round(float(v), 6) for name, v in asdict(found).items()}


def score_image(pixels: NDArray[np.generic], facts: ImageFacts, spec: DatasetSpec | None = None) -> QualityResult:
    """Score one image.

    `pixels`: stored values as decoded, before any window or rescaling: (rows, columns), or frames of them, any
    integer type. `spec` may ask for less (or more) than the portal's own gates. Deterministic; one thread;
    never raises on a bad image: what cannot be measured is a failed gate.
    """
    plane = grey_plane(pixels, facts)
    if isinstance(plane, Gate):
        return _refused([plane], {}, None)
    found = measure(plane)
    components = components_of(found)
    failed = header_gates(plane, facts, GateRules.for_spec(spec))
    if failed:
        return _refused(failed, components, found)
    weakest = min(components, key=lambda name: components[name])
    total = total_of(components)
    content = components[weakest] >= CONTENT
    gain = 0.0 if content else total_of({**components, weakest: REPAIRED}) - total
    return QualityResult(
        version=f"{SCORE_NAME} {SCORE_VERSION}",
        gate=True,
        gate_reason="",
        total=round(total, 1),
        technical=round(total, 1),
        components=components,
        weakest=weakest,
        remedy="" if content else _remedy(weakest, found, facts),
        gain=round(max(0.0, gain), 1),
        measures=_figures(found),
    )


def check_quality(result: QualityResult, spec: DatasetSpec) -> list[Finding]:
    """The request's quality minimums, and failed gates, as findings like those of conformance."""
    findings = [
        Finding("QUALITY_" + gate.code, "must", gate.check_id, gate.tag, gate.message, gate.remedy)
        for gate in result.gates
    ]
    if not result.components:
        return findings
    rule = spec.quality.total
    if rule is not None and result.technical < rule.min:
        advice = f"Weakest is {result.weakest}: {result.remedy}." if result.remedy else "Leave the image out."
        findings.append(
            Finding(
                "QUALITY_TOTAL_LOW",
                rule.level.value,
                rule.check_id,
                "PixelData",
                f"The quality score is {result.technical:.0f}; at least {rule.min:g} is asked for.",
                advice,
            )
        )
    for line in spec.quality.components:
        value = result.components[line.component.value]
        if value < line.min:
            findings.append(
                Finding(
                    "QUALITY_COMPONENT_LOW",
                    line.level.value,
                    line.check_id,
                    "PixelData",
                    f"{line.component.value.capitalize()} is {value:.0f}; at least {line.min:g} is asked for.",
                    COMPONENT_REMEDIES[line.component.value],
                )
            )
    return findings


COMPONENT_REMEDIES: dict[str, str] = {
    "resolution": "Send the original size, neither reduced nor enlarged.",
    "sharpness": "Leave out images with motion, and send originals without smoothing.",
    "noise": "Check the exposure, and send originals without sharpening.",
    "depth": "Send the original DICOM, not an 8-bit export.",
    "clipping": "Send stored values, not a windowed copy.",
    "blockiness": "Send a losslessly stored original, not a JPEG.",
    "contrast": "Check exposure and processing, and that the image shows a chest.",
}
