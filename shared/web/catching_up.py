"""Until a process knows what the compacted topics say, it answers that it is not there yet."""

from collections.abc import Callable, Sequence

from fastapi import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from shared.failures import Refused
from shared.web.problems import respond

# Neither says or decides anything about anybody.
_OPEN = ("/health/", "/metrics", "/docs", "/openapi.json")


class UntilCaughtUp:
    """ASGI middleware: 503 `temporarily_unavailable`, with `Retry-After`, until it has caught up.

    A token may have been revoked, and a connection ended, in what is still to be read.

    Args:
        app: what is asked after that.
        is_caught_up: whether it has.
        answers: beginnings of paths that are answered from the start, besides health and docs.
    """

    def __init__(
        self, app: ASGIApp, is_caught_up: Callable[[], bool], answers: Sequence[str] = ()
    ) -> None:
        self._app = app
        self._is_caught_up = is_caught_up
        self._answers = (*_OPEN, *answers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        is_open = scope["type"] != "http" or self._is_caught_up()
        if is_open or scope["path"].startswith(self._answers):
            await self._app(scope, receive, send)
        else:
            refused = Refused("temporarily_unavailable")
            await respond(Request(scope), refused)(scope, receive, send)
