"""What a store is reached at: one spelling. Pure."""

import re
from urllib.parse import urlsplit

_DOMAIN = re.compile(r"^(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_-]+)*$")
_UNPRINTABLE = re.compile(r"[\x00-\x20\x7f]")
_DEFAULT_PORTS = {None, 80, 443}


def normalise_domain(store_url: str) -> str:
    """The domain that a store is known by.

    Scheme, `www.`, default port, path, letter case and a trailing dot make no other store;
    another port does. International names become their ASCII form (RFC 5891).

    Raises:
        ValueError: no domain can be read from it.
    """
    text = store_url.strip()
    parts = urlsplit(text if "://" in text else f"https://{text}")
    if parts.scheme not in ("http", "https") or _UNPRINTABLE.search(text) or parts.username:
        raise ValueError("expected the address of a store, such as https://acme.example")
    try:
        host = (parts.hostname or "").rstrip(".").encode("idna").decode().lower()
        port = parts.port
    except ValueError as error:
        raise ValueError("the host or port of this address is not valid") from error
    host = host.removeprefix("www.")
    if not _DOMAIN.match(host):
        raise ValueError("expected the address of a store, such as https://acme.example")
    return host if port in _DEFAULT_PORTS else f"{host}:{port}"
