"""How a URL names its host: one spelling, the one that every parser reads alike. Pure.

Parsers differ in what they take for an address (`127.1`, `0x7f.1`, full-width digits), so a host
that any of them might read as one is refused unless it is written as an address.
"""

import re
from ipaddress import IPv4Address, IPv6Address, ip_address
from unicodedata import normalize
from urllib.parse import SplitResult, urlsplit

from yarl import URL

_NETLOC = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\[\]:]+)(:[0-9]{1,5})?")
_LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
# What WHATWG's URL standard takes for an IPv4 address, whatever stands before it.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
_LONGEST_NAME = 253
# Names of networks, not of the internet (RFC 6761, RFC 6762, RFC 8375, ICANN's `internal`).
_RESERVED = frozenset(
    "localhost local internal localdomain intranet private corp home lan onion invalid".split()  # noqa: SIM905  a list is easier to read
)


class HostRefused(ValueError):  # noqa: N818  says what happened
    """The URL does not name a host as it should."""


def split(url: str) -> SplitResult:
    """The parts of an absolute URL without credentials and fragment.

    Raises:
        HostRefused: says what is wrong.
    """
    if not url.isprintable() or " " in url or "\\" in url:
        raise HostRefused("the URL has spaces, control characters or backslashes")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HostRefused("the URL is malformed: its host or port cannot be read") from error
    if not parts.netloc:
        raise HostRefused("the URL names no host")
    if "@" in parts.netloc:
        raise HostRefused("the URL carries credentials")
    if "#" in url:
        raise HostRefused("the URL carries a fragment")
    if port == 0:
        raise HostRefused("port 0 cannot be connected to")
    return parts


def host_of(parts: SplitResult) -> IPv4Address | IPv6Address | str:
    """The address that stands in the URL, or the name in its ASCII form.

    Raises:
        HostRefused: it is neither, or could be read as an address without being written as one.
    """
    match = _NETLOC.fullmatch(parts.netloc)
    if match is None:
        raise HostRefused("the URL is malformed: its host or port cannot be read")
    text = match[1]
    try:
        return ip_address(text.strip("[]"))
    except ValueError:
        if text.startswith("["):
            raise HostRefused("the host is no plain IPv6 address") from None
    return _name(text.lower())


def _name(text: str) -> str:
    if text.endswith("."):
        raise HostRefused("the host ends with a dot: leave it out")
    name = text if text.isascii() else _ascii(text)
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        raise HostRefused("the host looks like an address: write it as four decimal numbers")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        raise HostRefused("the host is not a valid name")
    return name


def _ascii(name: str) -> str:
    """The ASCII form of an international name (RFC 5891), read as aiohttp reads it."""
    if normalize("NFKC", name) != name or any(dot in name for dot in "\u3002\uff0e\uff61"):
        raise HostRefused("the host is written with characters that stand for others")
    try:
        encoded = URL.build(scheme="https", host=name).raw_host
    except ValueError as error:
        raise HostRefused("the host is not a valid name") from error
    return encoded or ""


def is_reserved(name: str) -> bool:
    """Whether a name is of a network of its own: one label, or a reserved ending."""
    first, dot, _ = name.partition(".")
    ending = name.rpartition(".")[2]
    return not dot or not first or ending in _RESERVED or name.endswith(".home.arpa")
