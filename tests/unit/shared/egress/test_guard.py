"""What nothing connects to."""

import socket
from ipaddress import ip_address, ip_network

import pytest

from shared.egress.guard import AddressRefused, Guard, is_allowed

REFUSED = """
0.0.0.0 0.1.2.3 10.0.0.1 10.255.255.255 100.64.0.1 100.100.100.200 100.127.255.255 127.0.0.1
127.8.8.8 169.254.0.1 169.254.169.254 169.254.170.2 172.16.0.1 172.31.255.255 192.0.0.192
192.0.2.1 192.88.99.1 192.168.1.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 224.0.0.1
239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16 :: ::1 ::7f00:1 ::ffff:127.0.0.1
::ffff:10.0.0.1 ::ffff:8.8.8.8 64:ff9b::7f00:1 64:ff9b::808:808 64:ff9b:1::1 100::1 2001::1
2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 2002:7f00:1:: 2002:808:808::1 fc00::1
fd00:ec2::254 fe80::1 fec0::1 ff02::1 3fff::1 5f00::1 4000::1
""".split()  # noqa: SIM905  a table is easier to read
ALLOWED = """
1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 172.15.255.255 172.32.0.0
192.167.255.255 223.255.255.255 2606:4700:4700::1111 2a00:1450:4001:81b::200e 2003::1
""".split()  # noqa: SIM905  a table is easier to read


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    assert not is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ALLOWED)
def test_allowed(address: str) -> None:
    assert is_allowed(ip_address(address), ())


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::ffff:127.0.0.1", "::1"])
def test_networks_that_the_operator_allows(address: str) -> None:
    networks = tuple(ip_network(network) for network in ("127.0.0.0/8", "::1/128"))

    assert is_allowed(ip_address(address), networks)
    assert not is_allowed(ip_address("10.0.0.1"), networks)
    assert not is_allowed(ip_address("::ffff:10.0.0.1"), networks)


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://example.com/", "scheme"),
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "no host"),
        ("//example.com/", "scheme"),
        ("https:///path", "no host"),
        ("https://user:pass@example.com/", "credentials"),
        ("https://127.0.0.1/", "not a public"),
        ("https://[::1]/", "not a public"),
        ("https://[::ffff:169.254.169.254]/", "not a public"),
        ("https://[fe80::1%25eth0]/", "malformed"),
        ("https://example.com:99999/", "malformed"),
        ("https://[::1/", "malformed"),
    ],
)
def test_urls_refused(url: str, why: str) -> None:
    with pytest.raises(AddressRefused, match=why):
        Guard((), allow_http=False).check_url(url)


@pytest.mark.parametrize("url", ["https://example.com/hooks?x=1", "https://8.8.8.8:8443/"])
def test_urls_allowed(url: str) -> None:
    Guard((), allow_http=False).check_url(url)


def test_http_when_allowed() -> None:
    Guard((), allow_http=True).check_url("http://example.com/")


@pytest.mark.parametrize("address", ["127.0.0.1", "2130706433", "0x7f.1", "fe80::1%eth0"])
def test_no_socket_for_a_refused_address(address: str) -> None:
    info = (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, 80))
    with pytest.raises(AddressRefused):
        Guard((), allow_http=True).open_socket(info)
