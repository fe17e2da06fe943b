"""Throughput of the text cleaners on one core: descriptor strings a second and reports a second.

    python -m benchmarks.bench_deid_text

Works on texts written here, each with other names and numbers, so that nothing is answered from a cache of whole texts. The bar is
2,000 descriptors and 500 reports a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from deid.text.clean import clean_text
from deid.text.identifiers import Identifiers
from deid.text.report import clean_report

_DESCRIPTORS = (
    "XR CHEST PA AND LATERAL",
    "PORTABLE CHEST 1 VIEW",
    "CXR PORT {name} {number}",
    "Thorax pa im Stehen {date}",
    "Chest, two views, frontal & lateral",
    "post intubation, Dr. {name}",
)
_REPORT = """EXAM: XR CHEST 2 VIEWS {date}
HISTORY: {age}-year-old woman, {name}, with cough and fever. MRN {number}.
FINDINGS: The heart is normal in size. There is a patchy opacity in the right lower lobe, consistent with pneumonia. No pleural
effusion or pneumothorax. The endotracheal tube ends 4.2 cm above the carina. Degenerative changes of the thoracic spine.
IMPRESSION: Right lower lobe pneumonia. Follow-up in 6 weeks is recommended. Discussed with Dr. {name} at 14:32 on {date}.
"""
_NAMES = ("Okonkwo", "Hilliard", "Portman", "Featherstone", "Garcia", "Nguyen", "Kowalski", "Lindqvist")


def rate(step: Callable[[int], object], count: int) -> float:
    """Calls a CPU second, after a warm-up that reads the word lists."""
    for index in range(50):
        step(index)
    started = time.process_time()
    for index in range(count):
        step(index)
    return count / (time.process_time() - started)


def _filled(template: str, index: int) -> str:
    name = _NAMES[index % len(_NAMES)]
    return template.format(
        name=name, number=4_471_882 + index, date=f"{1 + index % 28}/{1 + index % 12}/2023", age=30 + index % 50
    )


def _known(index: int) -> Identifiers:
    return Identifiers.of(
        names=[f"{_NAMES[index % len(_NAMES)]}^Jane"], numbers=[str(4_471_882 + index)], dates=["20230301"]
    )


def main() -> None:
    descriptors = rate(lambda i: clean_text(_filled(_DESCRIPTORS[i % len(_DESCRIPTORS)], i), _known(i)), 6000)
    reports = rate(lambda i: clean_report(_filled(_REPORT, i), _known(i)), 1500)
    print(f"descriptors {descriptors:9.0f} a CPU second")
    print(f"reports     {reports:9.0f} a CPU second")


if __name__ == "__main__":
    main()
