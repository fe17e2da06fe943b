"""Counts without data: how many images of an archive meet each line of a request, with small cells suppressed. Pure."""

from requests_app.feasibility.document import (
    FORMAT,
    SMALL,
    WITHHELD,
    Count,
    CountLine,
    Counts,
    CountsProblem,
    count_lines,
    read_counts,
    write_csv,
    write_json,
)
from requests_app.feasibility.suppression import Equation, equations, suppress

__all__ = [
    "FORMAT",
    "SMALL",
    "WITHHELD",
    "Count",
    "CountLine",
    "Counts",
    "CountsProblem",
    "Equation",
    "count_lines",
    "equations",
    "read_counts",
    "suppress",
    "write_csv",
    "write_json",
]
