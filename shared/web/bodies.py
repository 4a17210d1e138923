"""Bodies of requests, with bounds: on their size, on how long they take, on what is in them."""

import asyncio
import zlib

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
