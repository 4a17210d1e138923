"""The 3PLs' receivers: a process that takes webhooks and costs next to nothing.

`python -m relevo.bench.sink`: prints its two ports (one answers, one accepts and never answers).
`GET /count` tells how many arrived, `GET /dump` gives one line each: time, webhook-id, external id.
"""

import asyncio
import sys
import time

import uvloop

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"
_LENGTH = b"content-length:"
_ID = b"webhook-id:"
_SIGNATURE = b"webhook-signature:"
_ORDER = b'"external_id":"'


class Arrivals:
    """What arrived: (monotonic seconds, webhook-id, external id), and how many were unsigned."""

    def __init__(self) -> None:
        self.all: list[tuple[float, bytes, bytes]] = []
        self.unsigned = 0


def header(head: bytes, name: bytes) -> bytes:
    """The value of a header in a lower-cased head; empty when it is not there."""
    at = head.find(name)
    return head[at + len(name) : head.find(b"\r\n", at)].strip() if at >= 0 else b""


class Sink(asyncio.Protocol):
    """One connection; requests in pieces, several in one piece, kept alive."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = transport  # type: ignore[assignment]

    def data_received(self, data: bytes) -> None:
        """Take every whole request in the buffer."""
        self._buffer = self._buffer + data if self._buffer else data
        while True:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                return
            head = self._buffer[: end + 2]
            lowered = head.lower()
            length = int(header(lowered, _LENGTH) or b"0")
            whole = end + 4 + length
            if len(self._buffer) < whole:
                return
            body = self._buffer[end + 4 : whole]
            self._buffer = self._buffer[whole:]
            self._answer(head, lowered, body)

    def _answer(self, head: bytes, lowered: bytes, body: bytes) -> None:
        if self._transport is None:
            return
        if head.startswith(b"POST"):
            self._arrivals.unsigned += b"v1," not in header(lowered, _SIGNATURE)
            at = body.find(_ORDER) + len(_ORDER)
            order = body[at : body.find(b'"', at)]
            self._arrivals.all.append((time.monotonic(), header(lowered, _ID), order))
            self._transport.write(_OK)
            return
        if head.startswith(b"GET /count"):
            content = f"{len(self._arrivals.all)} {self._arrivals.unsigned}".encode()
        else:
            content = b"\n".join(b"%.6f %s %s" % arrival for arrival in self._arrivals.all)
        self._transport.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(content))
        self._transport.write(content)


class Hanging(asyncio.Protocol):
    """Accepts and never answers."""


async def main() -> None:
    """Listen until standard input ends."""
    loop = asyncio.get_running_loop()
    arrivals = Arrivals()
    answering = await loop.create_server(lambda: Sink(arrivals), "127.0.0.1", 0, backlog=4_096)
    hanging = await loop.create_server(Hanging, "127.0.0.1", 0, backlog=4_096)
    ports = [server.sockets[0].getsockname()[1] for server in (answering, hanging)]
    print(*ports, flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    uvloop.run(main())
