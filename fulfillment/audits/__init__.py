"""The audit of a cohort: what a model could cheat on in this data, how sure we are, and what to do. Pure.

`audit` takes the rows of tables and gives a document; `render_html` makes a page of it; `splits.leave_one_site_out` is the release's
own. `folder.audit_folder` reads a folder as `getdata audit` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fulfillment.audits.page import render_html
from fulfillment.audits.thresholds import AUDIT_VERSION

if TYPE_CHECKING:
    from fulfillment.audits.document import audit
    from fulfillment.audits.features import Picture, picture_in, picture_in_png, picture_of, read_picture

__all__ = [
    "AUDIT_VERSION",
    "Picture",
    "audit",
    "picture_in",
    "picture_in_png",
    "picture_of",
    "read_picture",
    "render_html",
]


def __getattr__(name: str) -> Any:
    """Statistics and pictures take a second to import: a web server shows audits without them."""
    if name == "audit":
        from fulfillment.audits import document as module
    elif name in __all__:
        from fulfillment.audits import features as module  # type: ignore[no-redef]
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(module, name)
