"""Files of the APIs, passed on to the browser as they come."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

from starlette.responses import Response, StreamingResponse

from services.console.browser.signed_in import SignedIn

_PASSED_ON = (
    "content-type", "content-disposition", "content-length", "content-security-policy",
    "x-content-type-options",
)  # fmt: skip


async def passed_on(me: SignedIn, service: str, path: str, /, **params: Any) -> Response:
    """What a GET of a file answers, with its name and what it is.

    Raises:
        ApiProblem, ApiAway, SessionOver, ActingOver: before anything is sent.
    """
    token = await me.token()
    async with AsyncExitStack() as stack:
        answer = await stack.enter_async_context(me.stream(service, path, params, token))
        headers = {name: answer.headers[name] for name in _PASSED_ON if name in answer.headers}
        kept = stack.pop_all()

    async def body() -> AsyncIterator[bytes]:
        async with kept:
            async for chunk in answer.aiter_bytes():
                yield chunk

    return StreamingResponse(body(), headers=headers)
