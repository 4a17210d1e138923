"""What seems to be wrong with a request, for the one who wrote it. Pure.

Nothing that was sent as a secret is ever in what is said.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches

# Where programs of other APIs send their keys.
_OTHER_HEADERS = ("x-api-key", "api-key", "x-auth-token", "x-access-token")
# Named when they come; any other word may be a part of a secret.
_OTHER_SCHEMES = {"basic", "digest", "token", "apikey", "oauth"}
_STORE_KEY = "rsk_"
_TOKEN_PARTS = 3
_ID = re.compile(r"[0-9a-fA-F-]{32,36}|\d+")
_PLACE = re.compile(r"\{[^}]*\}")
_LONGEST_PATH = 200
_LIKE = 0.8


def instead_of_bearer(headers: Mapping[str, str]) -> str:
    """What came in place of `Authorization: Bearer …`."""
    found = headers.get("authorization")
    if found is None:
        other = next((name for name in _OTHER_HEADERS if name in headers), None)
        return f"`{other}` is not read" if other else "there is no `Authorization` header"
    scheme, _, rest = found.strip().partition(" ")
    if scheme.lower() == "bearer":
        return "nothing follows `Bearer`"
    if rest and scheme.lower() in _OTHER_SCHEMES:
        return f"`Authorization` begins with `{scheme}` and not with `Bearer`"
    return "`Authorization` does not begin with `Bearer`"


def no_key_of_store(shown: str) -> str:
    """Why what was shown is none of a store's API keys."""
    if shown.count(".") == _TOKEN_PARTS - 1:
        return "it is an access token, which the other services take"
    if not shown.startswith(_STORE_KEY):
        return f"keys begin with `{_STORE_KEY}`"
    return "it is another store's, was revoked, or is none"


def no_token(shown: str) -> str:
    """Why what was shown is no access token at all."""
    if shown.startswith(_STORE_KEY):
        return "it is a store's API key, which sends orders and does nothing else"
    return "it is no token of this installation"


def path_meant(path: str, templates: Iterable[str]) -> str | None:
    """The path that was probably meant.

    Args:
        path: that is not there.
        templates: those that are, as `/v1/orders/{order_id}`.
    """
    known = {_PLACE.sub("{}", template): template for template in templates}
    tidy = "/" + "/".join(part for part in path[:_LONGEST_PATH].split("/") if part)
    for near in (tidy, f"/v1{tidy}"):
        if near != path and any(_fits(near, template) for template in known.values()):
            return near
    without_ids = "/".join("{}" if _ID.fullmatch(part) else part for part in tidy.split("/"))
    close = get_close_matches(without_ids, known, 1, _LIKE)
    return known[close[0]] if close else None


def _fits(path: str, template: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        want.startswith("{") or part == want for part, want in zip(parts, wanted, strict=True)
    )
