"""What every answer tells the browser, and what a request of another site may not do."""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_SAFE = ("GET", "HEAD", "OPTIONS")
# Scripts and styles are files of ours; nothing inline, no eval, no frame around us.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS = {
    "content-security-policy": _POLICY,
    "x-content-type-options": "nosniff",
    # With no-referrer, browsers send forms with `Origin: null`.
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=()",
}
_YEAR = "max-age=31536000"


class SafeAnswers:
    """ASGI middleware: a policy on every answer; pages are kept by nobody.

    Args:
        app: what it is around.
        is_https: browsers are to come by TLS from now on.
    """

    def __init__(self, app: ASGIApp, *, is_https: bool) -> None:
        self._app = app
        self._headers = _HEADERS | ({"strict-transport-security": _YEAR} if is_https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Add the headers."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("cache-control", "no-store")
            await send(message)

        await self._app(scope, receive, with_headers)


class OwnForms:
    """ASGI middleware: what changes something comes from a page of ours (OWASP on CSRF).

    Browsers say where a request is from, in `Sec-Fetch-Site` or at least in `Origin`; SameSite
    cookies are the second line.

    Args:
        app: what it is around.
        public_url: where browsers find the console.
    """

    def __init__(self, app: ASGIApp, *, public_url: str) -> None:
        self._app = app
        parts = urlsplit(public_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on, or answer 403."""
        if scope["type"] != "http" or scope["method"] in _SAFE or self._is_own(scope):
            await self._app(scope, receive, send)
            return
        answer = PlainTextResponse(
            f"This form was not sent from the console at {self._origin}. Open the page there and "
            "send it again. (Operators: RELEVO_CONSOLE_PUBLIC_URL has to be the address that "
            "browsers use.)",
            status_code=403,
        )
        await answer(scope, receive, send)

    def _is_own(self, scope: MutableMapping[str, Any]) -> bool:
        headers = Headers(scope=scope)
        site = headers.get("sec-fetch-site")
        if site is not None:
            return site == "same-origin"
        return headers.get("origin") == self._origin
