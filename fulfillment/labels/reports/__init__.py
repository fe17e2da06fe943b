"""What a chest radiograph report says of each finding, with the words that say it. Pure.

`label_report(text)` gives the statements, `report_states(statements)` one state a finding, `sections(text)` the report's parts.
"""

from fulfillment.labels.reports.engine import ENGINE_VERSION, label_report
from fulfillment.labels.reports.policies import POLICIES, in_taxonomy
from fulfillment.labels.reports.sections import READ_SECTIONS, Section, sections
from fulfillment.labels.reports.states import Statement, decisive, report_states

__all__ = [
    "ENGINE_VERSION",
    "POLICIES",
    "READ_SECTIONS",
    "Section",
    "Statement",
    "decisive",
    "in_taxonomy",
    "label_report",
    "report_states",
    "sections",
]
