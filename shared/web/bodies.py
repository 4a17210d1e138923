"""Bodies of requests, read with a bound on their size and on how long they may take."""

import asyncio

from fastapi import Request

from shared.failures import Refused


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
