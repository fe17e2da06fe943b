"""axe-core on an open page. The script goes in once a page, and only what is told comes back: both were most of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT

GRAVE = ("serious", "critical")
_RUN = """axe.run(document, {resultTypes: ['violations', 'passes']}).then(found => ({
    passed: found.passes.length,
    violations: found.violations.map(v => ({id: v.id, impact: v.impact, targets: v.nodes.slice(0, 4).map(n => n.target)})),
}))"""


@dataclass(frozen=True)
class Fault:
    """A rule that is broken, how grave axe finds it, and the first elements it is about."""

    rule: str
    impact: str
    targets: list[Any]

    def __str__(self) -> str:
        return f"{self.rule} ({self.impact}): {self.targets}"


def faults(page: Any, *, impacts: tuple[str, ...] | None = GRAVE) -> list[Fault]:
    """What axe finds on the page as it stands: the grave faults, or all of them with ``impacts=None``."""
    if not page.evaluate("typeof window.axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    found = page.evaluate(_RUN)
    assert found["passed"], "axe ran nothing"
    every = [Fault(item["id"], item["impact"] or "", item["targets"]) for item in found["violations"]]
    return [fault for fault in every if impacts is None or fault.impact in impacts]
