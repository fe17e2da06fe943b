"""Headers that every answer carries, and what keeps files from running: whatever is no page of ours may execute nothing."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest
from django.http.response import HttpResponseBase

#: Nothing here needs a sensor, a payment or a screen. Passkeys are asked for by our own pages alone.
PERMISSIONS = ", ".join(
    [
        *(
            f"{name}=()"
            for name in (
                "accelerometer", "autoplay", "bluetooth", "browsing-topics", "camera", "display-capture", "geolocation", "gyroscope",
                "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb", "xr-spatial-tracking",
            )
        ),
        "publickey-credentials-create=(self)",
        "publickey-credentials-get=(self)",
    ]
)  # fmt: skip
#: A file opened by itself: no script, no style, no frame, no form, an origin of its own.
SANDBOX = "default-src 'none'; frame-ancestors 'none'; sandbox"
_CSP, _CORP = "Content-Security-Policy", "Cross-Origin-Resource-Policy"


def is_page(response: HttpResponseBase) -> bool:
    """Whether it is drawn as a page of ours: HTML that is not handed over as a file."""
    kind = response.headers.get("Content-Type", "text/html").split(";")[0].strip()
    return kind == "text/html" and not response.headers.get("Content-Disposition", "").startswith("attachment")


class HeadersMiddleware:
    """Stands inside ``csp.middleware``, which leaves a policy alone that is there already."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", PERMISSIONS)
        # What viewers on other sites may read (DICOMweb) says so itself.
        if "Access-Control-Allow-Origin" not in response.headers:
            response.headers.setdefault(_CORP, "same-origin")
        if not is_page(response):
            response.headers.setdefault(_CSP, SANDBOX)
        return response
