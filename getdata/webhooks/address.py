"""Which addresses the portal will send to: https on the public internet, judged by the addresses a name stands for right now.

An endpoint is somebody else's text, and the portal stands inside a network: without this it would fetch the metadata service
or a neighbour for whoever asks (server-side request forgery, CWE-918). A name is resolved and judged at registration and again
at each delivery, and the connection is made to the very address that was judged, so that a name cannot change in between.
"""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings

from getdata.common.problems import CannotDo

MAX_LENGTH = 500
PORTS = (443, 8443)
#: Addresses of cloud platforms that look public and are answered inside.
_INSIDE = (ipaddress.ip_network("168.63.129.16/32"), ipaddress.ip_network("192.0.0.0/24"))
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class Refused(CannotDo):
    """The address is not one the portal sends to."""

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message, remedy=remedy, code="address_refused", errors=[])


@dataclass(frozen=True)
class Target:
    """Where to connect: ``ip`` was judged, ``host`` is checked against the certificate and named in the request."""

    scheme: str
    host: str
    port: int
    ip: str
    path: str


def target_of(url: str) -> Target:
    """Judge an address and resolve it. Raises ``Refused``; makes no connection but to the resolver."""
    if len(url) > MAX_LENGTH or any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise Refused("The address is too long or holds blanks.", "Copy it again.")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except (ValueError, UnicodeError):
        raise Refused("The address cannot be read.", "Write it as https://your.host/path.") from None
    testing = _is_test_host(host, port)
    if parts.scheme != "https" and not (testing and parts.scheme == "http"):
        raise Refused("The address does not begin with https://.", "Give the endpoint a certificate.")
    if not host or parts.username is not None or parts.password is not None:
        raise Refused("The address has no host, or a name and password in it.", "Check the signature instead.")
    port = port or (443 if parts.scheme == "https" else 80)
    if port not in PORTS and not testing:
        raise Refused(f"Port {port} is not sent to.", f"Listen on port {' or '.join(map(str, PORTS))}.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Target(parts.scheme, host, port, _judged(host, port, testing=testing), path)


def is_public(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    """True for an address of the public internet, whatever it is wrapped in."""
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.teredo is not None:
            return False
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if ip.is_site_local:
            return False
    refused = ip.is_multicast or ip.is_reserved or ip.is_unspecified or ip.is_loopback or ip.is_link_local
    return ip.is_global and not refused and not ip.is_private and not any(ip in network for network in _INSIDE)


def _judged(host: str, port: int, *, testing: bool) -> str:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise Refused(
            "The host's name is not known.", "Check the spelling, or wait until the name is published."
        ) from None
    addresses = [str(entry[4][0]) for entry in found]
    if not testing:
        for address in addresses:  # one inside is enough: the next answer might begin with it
            if not is_public(ipaddress.ip_address(address.split("%")[0])):
                raise Refused(
                    "The host is not on the public internet.", "Use an address that anybody can reach, not one inside."
                )
    return addresses[0]


def _is_test_host(host: str, port: int | None) -> bool:
    """Hosts of the machine itself, for tests and development; a production configuration refuses to name any."""
    return not settings.PRODUCTION and f"{host}:{port or 443}" in settings.WEBHOOK_TEST_HOSTS
