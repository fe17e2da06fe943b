"""The audit of a cohort: what a model could cheat on in this data, how sure we are, and what to do. Pure.

`audit` takes the rows of tables and gives a document; `render_html` makes a page of it; `splits.leave_one_site_out` is the release's
own. `folder.audit_folder` reads a folder as `getdata audit` does.
"""

from fulfillment.audits.document import audit
from fulfillment.audits.features import Picture, picture_in, picture_of, read_picture
from fulfillment.audits.page import render_html
from fulfillment.audits.thresholds import AUDIT_VERSION

__all__ = ["AUDIT_VERSION", "Picture", "audit", "picture_in", "picture_of", "read_picture", "render_html"]
