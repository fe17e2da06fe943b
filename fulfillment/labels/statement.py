"""One statement about one finding on one image, with what is known of how it was made. What rules are applied to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fulfillment.labels.methods import Method
from requests_app.taxonomy import LabelState

SHAPE_KINDS = ("box", "polygon", "mask")
_NO_SHAPES: frozenset[str] = frozenset()
#: A mark may reach this many pixels over the edge: hands and rounding do.
_EDGE = 1.0


@dataclass(frozen=True, slots=True)
class Statement:
    """``reader`` is a pseudonymous id. ``readers`` is how many people stand behind the statement; None: not said.

    ``shapes`` are the kinds of shape that mark it and lie on the image; ``astray`` says that one lies outside or is of another size.
    ``source`` names the row it came from; two statements that differ in nothing else are equal.
    """

    state: LabelState
    method: Method = Method.UNKNOWN
    reader: str = ""
    readers: int | None = None
    board_certified: bool | None = None
    blind_to_report: bool | None = None
    adjudication: str = ""
    is_consensus: bool = False
    laterality: str = ""
    shapes: frozenset[str] = _NO_SHAPES
    astray: bool = False
    source: str = field(default="", compare=False)

    @property
    def settles(self) -> int:
        """What disagreement it settles: 3 by a senior reader, 2 by consensus, 1 by majority, 0 none."""
        if self.method is Method.ADJUDICATED or self.adjudication == "senior":
            return 3
        if self.method is Method.CONSENSUS or self.is_consensus or self.adjudication == "consensus":
            return 2
        return 1 if self.adjudication == "majority" else 0

    def as_dict(self) -> dict[str, Any]:
        """JSON-able; ``from_dict`` reads it back to an equal value."""
        return {
            "state": self.state.value,
            "method": self.method.value,
            "reader": self.reader,
            "readers": self.readers,
            "board_certified": self.board_certified,
            "blind_to_report": self.blind_to_report,
            "adjudication": self.adjudication,
            "is_consensus": self.is_consensus,
            "laterality": self.laterality,
            "shapes": sorted(self.shapes),
            "astray": self.astray,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Statement:
        """Raises ValueError or TypeError for what ``as_dict`` does not write."""
        given = {name: data[name] for name in cls.__dataclass_fields__ if name in data and name != "source"}
        return cls(
            **{
                **given,
                "state": LabelState(data["state"]),
                "method": Method(data.get("method", "")),
                "shapes": frozenset(data.get("shapes") or ()),
            }
        )


def people_behind(statements: Iterable[Statement]) -> int:
    """How many people at least stand behind these statements together.

    The largest number that one of them states, or the readers that can be told apart: named ones, and one more where somebody
    who is not named speaks for one person and no named one does.
    """
    most, named, unnamed = 0, set(), False
    for statement in statements:
        most = max(most, statement.readers or 0)
        if statement.reader and not statement.is_consensus:
            named.add(statement.reader)
        else:
            unnamed = True
    return max(most, len(named), int(unnamed))


def lies_on(box: Any, image: tuple[Any, Any], drawn_on: tuple[Any, Any] = (None, None)) -> bool:
    """Whether a box ``[x, y, width, height]`` lies on an image of so many (rows, columns). Unknown sizes do not speak against it.

    ``drawn_on``: the size of the image that it was drawn on, where its file says so; another size means another image.
    """
    rows, columns = image
    if rows is None or columns is None:
        return True
    if None not in drawn_on and tuple(drawn_on) != (rows, columns):
        return False
    x, y, width, height = (float(number) for number in box)
    return (
        width > 0
        and height > 0
        and x >= -_EDGE
        and y >= -_EDGE
        and x + width <= columns + _EDGE
        and y + height <= rows + _EDGE
    )
