"""How a hospital gets the check kit, with the commands for one request ready to copy."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from requests_app.models import DatasetRequest
from requests_app.spec_files import spec_file_name


@require_safe
def request_check_at_home(request: HttpRequest, slug: str) -> HttpResponse:
    """The kit for a request that was opened: install, count, check."""
    visible = DatasetRequest.objects.visible_to(request.user).select_related("organization")
    item = get_object_or_404(visible, slug=slug, opened_at__isnull=False)
    version = item.current_version
    assert version is not None, "an opened request has a version"
    context = {
        "item": item,
        "check_title": "4. Check a folder",
        "version": version,
        "spec_file": spec_file_name(item, version.number),
        "counts_file": f"counts-{item.slug}.json",
        "server": settings.PUBLIC_URL.rstrip("/"),
    }
    return render(request, "requests_app/check_at_home.html", context)
