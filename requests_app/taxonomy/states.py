"""The five states a label can have, shared by requests, label tables and quota counting.

"Likely" and "possible" are kept apart because a request may count one and not the other (CheXpert's
single "uncertain" merges them: Irvin 2019). "Not mentioned" is not "absent": nobody looked, or nobody
wrote it down.
"""

from enum import StrEnum


class LabelState(StrEnum):
    """What a reader or a report says of one finding on one image."""

    PRESENT = "present"
    LIKELY = "likely"
    POSSIBLE = "possible"
    ABSENT = "absent"
    NOT_MENTIONED = "not_mentioned"

    @property
    def plain(self) -> str:
        """The state in words for pages and reports."""
        return self.value.replace("_", " ")


UNCERTAIN_STATES = frozenset({LabelState.LIKELY, LabelState.POSSIBLE})
