"""GetDATA-Q 2.0: the quality score of one radiograph. docs/quality-score.md explains every figure.

    total = 100 * product over the components of (component / 100) ** weight

Each component answers for one kind of fault and never rises with another, so the total falls with every fault: one bad property
cannot hide behind seven good ones, and blurring away noise or blocks makes nothing better. What a component reaches when its
remedy is followed (``REPAIRED``) says what would be gained.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from fulfillment.conformance.facts import ImageFacts
from fulfillment.conformance.finding import Finding
from fulfillment.quality.components import COMPONENTS, shipped_model
from fulfillment.quality.coverage import shipped_coverage
from fulfillment.quality.features import Figures, figures, without_flat_border
from fulfillment.quality.gates import GateRules, grey_plane, header_gates
from fulfillment.quality.result import SCORE_NAME, SCORE_VERSION, Gate, QualityResult
from requests_app.spec.document import DatasetSpec

WEIGHTS: dict[str, float] = dict.fromkeys(COMPONENTS, 2 / len(COMPONENTS)) | {"coverage": 0.5}
# What a component is taken to reach once its remedy is followed; also where no remedy is offered any more.
REPAIRED = 95.0
CONTENT = 88.0


def total_of(components: dict[str, float]) -> float:
    """The total of a set of components, 0 to 100. A component that was not assessed is left out and counts for nothing."""
    logs = sum(WEIGHTS[name] * math.log(max(value, 0.01) / 100) for name, value in components.items())
    return 100 * math.exp(logs)


def components_of(plane: NDArray[np.integer], *, frontal: bool = True) -> tuple[dict[str, float], Figures]:
    """The components, 0 to 100, and the figures they were read from.

    ``plane``: (rows, columns) of stored values. ``frontal``: whether the picture is taken for a frontal radiograph of a chest;
    of other views the coverage is not assessed.
    """
    trimmed = without_flat_border(plane)
    found = figures(trimmed)
    components = shipped_model().scores(found)
    if frontal:
        components["coverage"] = shipped_coverage().score(trimmed)
    return {name: round(min(100.0, max(0.0, value)), 2) for name, value in components.items()}, found


def _weakest(components: dict[str, float]) -> str:
    """The component that holds the total down most."""
    return min(components, key=lambda name: components[name] ** WEIGHTS[name] if name in WEIGHTS else components[name])


def _remedy(weakest: str, found: Figures, facts: ImageFacts) -> str:
    match weakest:
        case "resolution":
            if 2 ** found["side"] < 1400:
                return "the image is small, or larger than the detail in it; send the original size"
            return "the image is larger than the detail in it, as after enlarging; send the original size"
        case "sharpness":
            return "edges are soft; leave out images with motion, and send originals without smoothing"
        case "noise":
            return "noise is strong; check the exposure, and send originals without sharpening"
        case "depth":
            if (facts.bits_stored or 16) > 8 and 2 ** found["levels"] <= 256:
                return "these look like 8-bit exports in a larger file; send the original DICOM"
            return "few grey levels are used; send the original DICOM, not a viewer's export"
        case "clipping":
            return "black or white areas are cut off; send stored values, not a windowed copy"
        case "blockiness":
            return "JPEG blocks are visible; send a losslessly stored original"
        case "coverage":
            return "the chest seems to be cut off at the border; send the whole exposure, not a crop"
        case _:
            return "structures hardly stand out; check exposure and processing, and that the image shows a chest"


def _refused(gates: list[Gate], components: dict[str, float], found: Figures) -> QualityResult:
    weakest = _weakest(components) if components else ""
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


def _figures(found: Figures) -> dict[str, float]:
    return {name: round(float(value), 5) for name, value in found.items()}


def score_image(
    pixels: NDArray[np.generic], facts: ImageFacts, spec: DatasetSpec | None = None, *, frontal: bool = True
) -> QualityResult:
    """Score one image.

    `pixels`: stored values as decoded, before any window or rescaling: (rows, columns), or frames of them, any
    integer type. `spec` may ask for less (or more) than the portal's own gates. `frontal`: False where the picture is not
    taken for a frontal view; its coverage is then not assessed. Deterministic; one thread; never raises on a bad image: what
    cannot be measured is a failed gate.
    """
    plane = grey_plane(pixels, facts)
    if isinstance(plane, Gate):
        return _refused([plane], {}, {})
    components, found = components_of(plane, frontal=frontal)
    failed = header_gates(plane, facts, GateRules.for_spec(spec))
    if failed:
        return _refused(failed, components, found)
    weakest = _weakest(components)
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
        value = result.components.get(line.component.value)
        if value is not None and value < line.min:
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
    "coverage": "Send the whole exposure, not a crop of it.",
}
