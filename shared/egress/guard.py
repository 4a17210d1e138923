"""What a URL may lead to: public addresses, and networks that the operator allows.

The last check is made on the addresses that are about to be connected to, not on names, so that an
answer that changes between check and use (DNS rebinding) cannot get past it.
"""

import socket
from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Any

from shared.egress import hosts

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

# `is_global` depends on the Python version and answers for routing, not for safety; this is the
# whole list: IANA special-purpose registries (RFC 6890), cloud metadata within link-local.
_REFUSED: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        # Alibaba and Oracle serve metadata at 100.100.100.200 (above) and 192.0.0.192 (above);
        # Azure's host answers at a public address.
        "168.63.129.16/32",
    )
)
# Of IPv6 only what is given out as global unicast, less what is special within it.
_GLOBAL_UNICAST = IPv6Network("2000::/3")
_REFUSED_V6: tuple[Network, ...] = tuple(
    ip_network(network)
    for network in ("2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20")
)
_NAT64 = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))


class AddressRefused(OSError):  # noqa: N818  says what happened
    """The URL leads, or reads as if it led, to where nothing may connect."""


def is_allowed(address: Address, allowed: Sequence[Network]) -> bool:
    """Whether `address` may be connected to.

    An IPv4 address wrapped in IPv6 (mapped, NAT64, 6to4, Teredo) is refused altogether unless the
    wrapped form itself, or for mapped ones the IPv4 address, is in `allowed`: nobody publishes
    an endpoint that way.
    """
    if any(address in network for network in allowed):
        return True
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _REFUSED)
    if address.ipv4_mapped is not None:
        return any(address.ipv4_mapped in network for network in allowed)
    if any(address in network for network in (*_NAT64, *_REFUSED_V6)):
        return False
    return address in _GLOBAL_UNICAST


class Guard:
    """The rules of one installation.

    Args:
        allowed_networks: CIDRs that are allowed although not public.
        allow_http: whether `http:` URLs are.
    """

    def __init__(self, allowed_networks: Sequence[str], *, allow_http: bool) -> None:
        self._allowed = tuple(ip_network(network) for network in allowed_networks)
        self._schemes = {"https", "http"} if allow_http else {"https"}

    def check_address(self, host: str) -> None:
        """Refuse an address.

        Raises:
            AddressRefused: it is not allowed, or is no IP address (a scope id counts as none).
        """
        try:
            address = ip_address(host)
        except ValueError as error:
            raise AddressRefused(f"{host} is no plain IP address") from error
        if not is_allowed(address, self._allowed):
            raise AddressRefused(f"{host} is not a public address")

    def check_url(self, url: str) -> str | None:
        """Refuse what no name resolution can mend: scheme, spelling, literal addresses, names.

        Returns:
            The name that is still to be resolved; None for an address.

        Raises:
            AddressRefused: says what is wrong, without a word of path and query.
        """
        try:
            parts = hosts.split(url)
            if parts.scheme not in self._schemes:
                raise AddressRefused(f"the scheme {parts.scheme!r} is not allowed")
            host = hosts.host_of(parts)
        except hosts.HostRefused as error:
            raise AddressRefused(str(error)) from error
        if not isinstance(host, str):
            self.check_address(str(host))
            return None
        # In networks that the operator allows, names have few dots: addresses decide.
        if hosts.is_reserved(host) and not self._allowed:
            raise AddressRefused(f"{host} is a name of a private network")
        return host

    def open_socket(self, info: tuple[Any, ...]) -> socket.socket:
        """A socket for one address about to be connected to; the last gate.

        Raises:
            AddressRefused: before anything is sent.
        """
        family, kind, protocol, _, address = info
        self.check_address(address[0])
        return socket.socket(family, kind, protocol)
