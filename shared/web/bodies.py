"""Bodies of requests, with bounds: on their size, on how long they take, on what is in them."""

import asyncio
import re
import zlib

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.failures import Refused
from shared.web.problems import respond

# The largest body that an API takes besides orders is a form of some twenty fields.
MAX_FORM_BYTES = 65_536
_FORM_SECONDS = 10.0


async def read_body(request: Request, max_bytes: int, seconds: float) -> bytes:
    """The body, read no further than the limit.

    Raises:
        Refused: `body_too_large`, or `body_too_slow` when it does not come.
    """
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > max_bytes:
        raise Refused("body_too_large", limit=max_bytes)
    chunks: list[bytes] = []
    size = 0
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size > max_bytes:
                    raise Refused("body_too_large", limit=max_bytes)
                chunks.append(chunk)
    except TimeoutError:
        raise Refused("body_too_slow", seconds=f"{seconds:g}") from None
    return b"".join(chunks)


class BoundedBodies:
    """ASGI middleware: a body is small and comes soon, before anything parses it or asks who it is.

    FastAPI reads and parses bodies before it looks at tokens, and its own limit answers in plain
    text.

    Args:
        app: what comes next.
        max_bytes: the largest body.
        seconds: how long it may take.
        streamed: the paths whose handlers read and bound what is sent to them themselves.
    """

    def __init__(
        self,
        app: ASGIApp,
        max_bytes: int = MAX_FORM_BYTES,
        seconds: float = _FORM_SECONDS,
        streamed: re.Pattern[str] | None = None,
    ) -> None:
        self._app = app
        self._streamed = streamed
        self._max_bytes = max_bytes
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its whole body, or answer `body_too_large`, `body_too_slow`."""
        if scope["type"] != "http" or (self._streamed and self._streamed.fullmatch(scope["path"])):
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        try:
            body = await read_body(request, self._max_bytes, self._seconds)
        except Refused as refused:
            await respond(request, refused)(scope, receive, send)
            return
        except ClientDisconnect:
            return
        unread: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return unread.pop() if unread else await receive()

        await self._app(scope, replay, send)


# A string costs two quotes. A megabyte of orders has some 140,000; with more it is a body that was
# made to take long to refuse.
_MOST_QUOTES = 150_000
_GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS


def decoded(body: bytes, encoding: str, max_bytes: int) -> bytes:
    """A body as it was before `Content-Encoding`; other encodings than gzip and deflate stay.

    Raises:
        Refused: `body_too_large` once it is unpacked, `body_too_complex`, `malformed_encoding`.
    """
    if encoding.strip().lower() in ("gzip", "x-gzip", "deflate"):
        unpack = zlib.decompressobj(_GZIP_OR_ZLIB)
        try:
            body = unpack.decompress(body, max_bytes + 1)
        except zlib.error as error:
            raise Refused("malformed_encoding", encoding=encoding) from error
        if len(body) > max_bytes:
            raise Refused("body_too_large", limit=max_bytes)
        if not unpack.eof:
            raise Refused("malformed_encoding", encoding=encoding)
    if body.count(b'"') > _MOST_QUOTES:
        raise Refused("body_too_complex")
    return body
