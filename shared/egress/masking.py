"""What may be shown of a URL that carries the tokens of its owner. Pure."""

import re
from urllib.parse import unquote, unquote_plus, urlsplit

_HIDDEN = "…"
_SHORTEST_SECRET = 6
_TOKEN = re.compile(r"(?=.*[0-9])[A-Za-z0-9_.~%=+:,@!$&'()*;-]{16,}")


def masked(url: str) -> str:
    """The URL as its owner knows it again: no value of the query, no token in the path.

    What was masked before stays as it is.
    """
    parts = urlsplit(url)
    path = "/".join(
        _HIDDEN if _TOKEN.fullmatch(segment) else segment for segment in parts.path.split("/")
    )
    query = "&".join(map(_masked_parameter, parts.query.split("&"))) if parts.query else ""
    return f"{_origin(url)}{path}{'?' if query else ''}{query}"


def host_only(url: str) -> str:
    """Scheme and host: what others than the owner see."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{_bare(parts.netloc)}".removesuffix(f":{parts.port}")


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{_bare(parts.netloc)}"


def _bare(netloc: str) -> str:
    """Without credentials, which URLs of before may still carry."""
    return netloc.rpartition("@")[2]


def _masked_parameter(parameter: str) -> str:
    """Its name alone; a parameter without a name may be a token itself."""
    name, equals, _ = parameter.partition("=")
    return f"{name}={_HIDDEN}" if equals and not _TOKEN.fullmatch(name) else _HIDDEN


def redacted(text: bytes, url: str) -> bytes:
    """The text without the secrets of `url`, which error pages like to repeat."""
    for secret in sorted(_secrets_of(url), key=len, reverse=True):
        text = text.replace(secret.encode(), _HIDDEN.encode())
    return text


def _secrets_of(url: str) -> set[str]:
    parts = urlsplit(url)
    values = [parameter.partition("=") for parameter in parts.query.split("&")]
    hidden = [segment for segment in parts.path.split("/") if _TOKEN.fullmatch(segment)]
    hidden += [value if equals else name for name, equals, value in values]
    hidden += [name for name, _, _ in values if _TOKEN.fullmatch(name)]
    spellings = {*hidden, *map(unquote, hidden), *map(unquote_plus, hidden)}
    # Shorter ones are words and numbers, which would be blanked out everywhere.
    return {secret for secret in spellings if len(secret) >= _SHORTEST_SECRET}
