"""What a store and a webhook are reached at: one spelling for each. Pure."""

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


def webhook_url(text: str) -> str:
    """The URL as given, when webhooks can be sent there.

    Which networks it may lead to is decided at sending, by the addresses that DNS returns then.

    Raises:
        ValueError: not an absolute http or https URL without user name and fragment.
    """
    if _UNPRINTABLE.search(text):
        raise ValueError("a URL has no spaces and no control characters")
    parts = urlsplit(text)
    if parts.scheme.lower() not in ("http", "https") or not parts.hostname:
        raise ValueError("expected an absolute http or https URL")
    if parts.username is not None or parts.password is not None:
        raise ValueError("a webhook URL must not carry a user name or password")
    if parts.fragment:
        raise ValueError("a webhook URL must not carry a fragment")
    if parts.port == 0:
        raise ValueError("port 0 cannot be connected to")
    return text
