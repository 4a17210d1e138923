"""The stores: a process that sends prepared requests and costs next to nothing.

`python -m relevo.bench.generator PLAN RESULT`: builds everything, prints `ready`, waits for a line
on standard input, sends, writes RESULT and prints `done`. No framework: one asyncio protocol per
keep-alive connection.
"""

import asyncio
import json
import sys
import time
from array import array
from collections import deque
from pathlib import Path
from typing import Any

import uvloop

from relevo.bench import wire

_STATUS_AT = slice(9, 12)


class Sender(asyncio.Protocol):
    """One connection: a request, its answer, the next."""

    def __init__(self, run: "Run") -> None:
        self._run = run
        self._transport: asyncio.WriteTransport | None = None
        self._buffer = b""
        self._index = -1

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected; idle."""
        self._transport = transport  # type: ignore[assignment]
        self._run.idle(self)

    def send(self, index: int) -> None:
        """Send the request of this index."""
        self._index = index
        if self._transport is None:
            raise ConnectionError("not connected")
        self._transport.write(self._run.requests[index])

    def data_received(self, data: bytes) -> None:
        """Collect an answer; when whole, record it and go on."""
        self._buffer = self._buffer + data if self._buffer else data
        head = self._buffer.find(b"\r\n\r\n")
        if head < 0:
            return
        lowered = self._buffer[:head].lower()
        at = lowered.find(b"content-length:")
        length = int(lowered[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self._buffer) < head + 4 + length:
            return
        self._run.answered(self._index, int(self._buffer[_STATUS_AT]))
        self._buffer = b""
        self._run.idle(self)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  the protocol's signature
        """Whatever was under way is unanswered: status 0."""
        self._run.lost(self._index)
        self._index = -1


class Run:
    """All requests: as fast as answers come, or at a fixed rate whatever the answers do."""

    def __init__(self, requests: list[bytes], rate: float | None) -> None:
        self.requests = requests
        count = len(requests)
        self.scheduled = array("d", [0.0] * count)
        self.finished = array("d", [0.0] * count)
        self.status = array("h", [0] * count)
        self.done = asyncio.Event()
        self._rate = rate
        self._next = 0
        self._open = count
        self._idle: deque[Sender] = deque()
        self._due: deque[int] = deque()
        self._started = False
        self._start_at = 0.0

    def start(self) -> None:
        """Begin; in open loop the clock of the schedule starts now."""
        self._started = True
        self._start_at = time.monotonic()
        if self._rate is None:
            while self._idle:
                self.idle(self._idle.popleft())
        else:
            self._tick()

    def _tick(self) -> None:
        """Send what is due by the schedule; what finds no free connection waits, and counts."""
        rate = self._rate or 1.0
        now = time.monotonic()
        while self._next < len(self.requests):
            at = self._start_at + self._next / rate
            if at > now:
                asyncio.get_running_loop().call_later(at - now, self._tick)
                break
            self.scheduled[self._next] = at
            self._due.append(self._next)
            self._next += 1
        while self._due and self._idle:
            self._idle.popleft().send(self._due.popleft())

    def idle(self, sender: Sender) -> None:
        """A connection is free."""
        if self._started and self._due:
            sender.send(self._due.popleft())
        elif self._started and self._rate is None and self._next < len(self.requests):
            index = self._next
            self._next += 1
            self.scheduled[index] = time.monotonic()
            sender.send(index)
        else:
            self._idle.append(sender)

    def answered(self, index: int, status: int) -> None:
        """A request was answered."""
        self.finished[index] = time.monotonic()
        self.status[index] = status
        self._open -= 1
        if self._open == 0:
            self.done.set()

    def lost(self, index: int) -> None:
        """A connection broke."""
        if index >= 0 and self.finished[index] == 0.0:
            self.answered(index, 0)


async def send(plan: dict[str, Any]) -> dict[str, list[float] | list[int]]:
    """Build, wait for the word, send; what happened to each."""
    requests = [
        wire.request(
            plan["host"],
            store["id"],
            store["secret"],
            wire.body(plan["first_id"] + n, plan["at"]),
        )
        for n in range(plan["orders"])
        for store in [plan["stores"][n % len(plan["stores"])]]
    ]
    run = Run(requests, plan["rate"])
    loop = asyncio.get_running_loop()
    for number in range(plan["senders"]):
        port = plan["ports"][number % len(plan["ports"])]
        await loop.create_connection(lambda: Sender(run), plan["host"], port)
    print("ready", flush=True)
    await loop.run_in_executor(None, sys.stdin.readline)
    run.start()
    await run.done.wait()
    return {
        "scheduled": list(run.scheduled),
        "finished": list(run.finished),
        "status": list(run.status),
    }


if __name__ == "__main__":
    result = uvloop.run(send(json.loads(Path(sys.argv[1]).read_text())))
    Path(sys.argv[2]).write_text(json.dumps(result))
    print("done", flush=True)
    # Stay until the end is asked for, so that our CPU time can be read.
    sys.stdin.readline()
