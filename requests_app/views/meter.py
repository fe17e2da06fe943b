"""The live meter: the parts of a page that show counts, sent again when a count has changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.cache import patch_vary_headers
from django.utils.http import parse_etags
from django.views.decorators.http import require_safe

from requests_app.meter import meter_view
from requests_app.models import DatasetRequest


@require_safe
def request_meter(request: HttpRequest, slug: str) -> HttpResponse:
    """Every part of the meter as one person may see it; 304 while nothing has changed.

    A page asks every few seconds, so the answer may be as old as the count is slow (see ``fulfillment.meter``).
    """
    found = get_object_or_404(DatasetRequest.objects.visible_to(request.user).select_related("organization"), slug=slug)
    live = meter_view(found, request.user, patient=True)
    tag = f'"{live.tag}"'
    if tag in parse_etags(request.headers.get("If-None-Match", "")):
        answer = HttpResponse(status=304)
    else:
        answer = render(request, "requests_app/meter/parts.html", {"item": found, "live": live})
    answer["ETag"] = tag
    answer["Cache-Control"] = "private, no-cache"
    patch_vary_headers(answer, ["Cookie"])
    return answer
