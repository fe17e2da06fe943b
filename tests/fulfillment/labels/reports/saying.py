"""What a report says, in one word a finding: for tests that read as sentences."""

from __future__ import annotations

from fulfillment.labels.reports import label_report, report_states


def states(text: str) -> dict[str, str]:
    """Concept -> state for the whole report, No Finding left out."""
    return {
        finding: state.value for finding, state in report_states(label_report(text)).items() if finding != "no_finding"
    }
