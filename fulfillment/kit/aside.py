"""Files that lie beside images on a disc: left aside, as on the server, and no error."""

from __future__ import annotations

from fulfillment.kit.folder import HEAD
from fulfillment.kit.settled import Settled
from fulfillment.kit.sources import Source
from fulfillment.verdict.aside import left_aside
from fulfillment.verdict.instance import refusal


def set_aside(source: Source) -> Settled:
    """Why a file is left aside."""
    with source.path.open("rb") as stream:
        aside = left_aside(stream.read(HEAD), source.name)
    code, message = (aside.code, aside.message) if aside else ("NOT_AN_IMAGE", "Not an image.")
    return Settled(source, "passed", "", [refusal(code, message, "", severity="info")])
