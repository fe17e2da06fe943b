"""Where the portal sends: the public internet alone, judged again at each delivery, connected to what was judged."""

from __future__ import annotations

import ipaddress
import socket
from typing import Any

import pytest

from getdata.checks import production_is_safe
from getdata.webhooks.address import Refused, is_public, target_of

INSIDE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "100.100.100.200",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "198.18.0.1",
    "203.0.113.9",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "fe80::1",
    "fec0::1",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "2001:db8::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_not_public_however_it_is_wrapped(address: str) -> None:
    assert not is_public(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is(address: str) -> None:
    assert is_public(ipaddress.ip_address(address))


def resolves(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> None:
    def answer(host: str, port: int, **_: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def test_a_name_is_connected_by_the_address_that_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "93.184.216.34")
    target = target_of("https://hooks.example.org:8443/in?key=1")
    assert (target.host, target.port, target.ip, target.path) == (
        "hooks.example.org",
        8443,
        "93.184.216.34",
        "/in?key=1",
    )


def test_one_address_inside_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "93.184.216.34", "10.0.0.7")
    with pytest.raises(Refused):
        target_of("https://hooks.example.org/")


@pytest.mark.parametrize(
    "url",
    [
        "http://hooks.example.org/",
        "ftp://hooks.example.org/",
        "file:///etc/passwd",
        "https://",
        "https:///path",
        "https://user:word@hooks.example.org/",
        "https://hooks.example.org:22/",
        "https://hooks.example.org:99999/",
        "https://[::1",
        "https://hooks.example.org/a b",
        "https://hooks.example.org/\r\nHost: other",
        "https://" + "a" * 600 + ".org/",
        "//hooks.example.org/",
        "",
    ],
)
def test_what_is_no_plain_https_address_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, "93.184.216.34")
    with pytest.raises(Refused):
        target_of(url)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "0x7f000001", "2130706433", "127.1", "169.254.169.254"]
)
def test_the_machine_itself_is_refused_in_every_spelling(host: str) -> None:
    with pytest.raises(Refused):
        target_of(f"https://{host}/")


def test_hosts_for_tests_are_permitted_outside_production_only(settings: Any) -> None:
    settings.WEBHOOK_TEST_HOSTS = ["127.0.0.1:9000"]
    assert target_of("http://127.0.0.1:9000/").ip == "127.0.0.1"
    with pytest.raises(Refused):
        target_of("http://127.0.0.1:9001/")
    settings.PRODUCTION = True
    with pytest.raises(Refused):
        target_of("http://127.0.0.1:9000/")
    assert "getdata.E011" in {problem.id for problem in production_is_safe(None)}
