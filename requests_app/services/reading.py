"""Documents as services take them: readable at least, postable where others will see them."""

from __future__ import annotations

from collections.abc import Sequence

from getdata.common.problems import CannotDo
from requests_app.documents import Checked, check_document
from requests_app.spec import DatasetSpec, LintNote
from requests_app.spec.reading import MAX_NOTES


def readable(document: object) -> Checked:
    """The document with its notes. Raises ``CannotDo`` with the first place that is wrong when it has no shape."""
    checked = check_document(document)
    if checked.spec is None:
        first = checked.notes[0]
        more = f" ({len(checked.notes) - 1} more)" if len(checked.notes) > 1 else ""
        where = f"{first.path}: " if first.path else ""
        raise CannotDo(
            f"{where}{first.message}{more}", remedy=first.remedy, code="spec_invalid", errors=_told(checked.notes)
        )
    return checked


def postable(document: object) -> DatasetSpec:
    """The specification. Raises ``CannotDo`` when anything blocks posting it."""
    checked = readable(document)
    assert checked.spec is not None
    blocking = checked.blocking
    if blocking:
        things = "1 thing blocks" if len(blocking) == 1 else f"{len(blocking)} things block"
        raise CannotDo(
            f"{things} posting. {blocking[0].message}",
            remedy=blocking[0].remedy,
            code="spec_blocked",
            errors=_told(blocking),
        )
    return checked.spec


def _told(notes: Sequence[LintNote]) -> list[dict[str, str]]:
    return [{**note.as_dict(), "pointer": note.pointer} for note in notes[:MAX_NOTES]]
