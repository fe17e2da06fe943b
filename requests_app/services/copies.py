"""What a new request takes over from a template or from another request."""

from __future__ import annotations

from typing import Any

from django.utils import timezone

from getdata.accounts.models import User
from getdata.accounts.permissions import role_in
from getdata.common.problems import CannotDo
from requests_app.documents import check_document
from requests_app.models import DatasetRequest
from requests_app.spec import DatasetSpec, spec_document, template_specs


def template_document(name: str) -> dict[str, Any]:
    """A template's document, its deadline counted from today."""
    templates = template_specs(today=timezone.localdate())
    if name not in templates:
        raise CannotDo("There is no such template.", remedy="Choose one of those listed.", code="unknown_template")
    return spec_document(templates[name])


def copied_document(*, request: DatasetRequest, actor: User) -> dict[str, Any]:
    """What another request asks, as a start for one's own.

    A deadline that has passed is left out. Of somebody else's request the purpose, the ethics approval and the credit are
    left out too: they are theirs to state.
    """
    version = request.current_version
    checked = check_document(version.document if version else request.draft)
    if checked.spec is None:
        raise CannotDo("This draft cannot be read yet.", remedy="Mend what it lacks first.", code="spec_invalid")
    document = spec_document(checked.spec)
    deadline = checked.spec.delivery.deadline
    if deadline is not None and deadline <= timezone.localdate():
        document["delivery"].pop("deadline")
    if not role_in(actor, request.organization):
        document["purpose"] = {}
        for name in ("ethics_approval", "attribution"):
            document["terms"].pop(name, None)
    return spec_document(DatasetSpec.model_validate(document))
