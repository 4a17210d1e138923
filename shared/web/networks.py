"""From where a request comes, for limits."""

from functools import lru_cache
from ipaddress import IPv6Address

from fastapi import Request


def address_of(request: Request) -> str:
    """Where a request comes from; the proxy says it where the server trusts one."""
    return request.client.host if request.client else ""


@lru_cache(maxsize=4_096)
def network_of(address: str) -> str:
    """Whom an address belongs to: an IPv4 address is one host's, an IPv6 network of 64 bits is."""
    if ":" not in address:
        return address
    try:
        found = IPv6Address(address)
    except ValueError:
        # A proxy may name a port too; it is counted as it is.
        return address
    return str(found.ipv4_mapped or IPv6Address(int(found) >> 64 << 64))
