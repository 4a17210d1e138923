"""The bench's generator: at a fixed rate a stall of the receiver is not hidden."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

from relevo.bench.generator import Run, Sender

_OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}"


class Wire(asyncio.WriteTransport):
    """Answers through `answer`, which gets the protocol to feed."""

    def __init__(self, sender: Sender, answer: Callable[[Sender], None]) -> None:
        super().__init__()
        self._sender, self._answer = sender, answer

    def write(self, data: Any) -> None:
        assert data
        self._answer(self._sender)


def connect(run: Run, answer: Callable[[Sender], None]) -> Sender:
    sender = Sender(run)
    sender.connection_made(Wire(sender, answer))
    return sender


def soon(data: bytes) -> Callable[[Sender], None]:
    def answer(sender: Sender) -> None:
        asyncio.get_running_loop().call_soon(sender.data_received, data)

    return answer


async def test_a_burst_sends_everything_and_notes_each_status() -> None:
    run = Run([b"x"] * 20, rate=None)
    for _ in range(3):
        connect(run, soon(_OK))
    run.start()
    await asyncio.wait_for(run.done.wait(), 5)
    assert list(run.status) == [200] * 20
    assert all(end >= start > 0 for start, end in zip(run.scheduled, run.finished, strict=True))


async def test_an_answer_in_pieces_is_one_answer() -> None:
    def in_pieces(sender: Sender) -> None:
        for at in range(0, len(_OK), 7):
            asyncio.get_running_loop().call_soon(sender.data_received, _OK[at : at + 7])

    run = Run([b"x"] * 3, rate=None)
    connect(run, in_pieces)
    run.start()
    await asyncio.wait_for(run.done.wait(), 5)
    assert list(run.status) == [200, 200, 200]


async def test_a_fixed_rate_counts_from_the_schedule_although_the_answer_stalls() -> None:
    stalled: list[Sender] = []

    def stall_once(sender: Sender) -> None:
        if stalled:
            asyncio.get_running_loop().call_soon(sender.data_received, _OK)
        else:
            stalled.append(sender)
            asyncio.get_running_loop().call_later(0.2, sender.data_received, _OK)

    run = Run([b"x"] * 10, rate=100.0)
    connect(run, stall_once)
    run.start()
    await asyncio.wait_for(run.done.wait(), 5)
    gaps = [later - at for at, later in zip(run.scheduled, run.scheduled[1:], strict=False)]
    assert all(abs(gap - 0.01) < 1e-6 for gap in gaps)
    # The second was due 10 ms after the first and had to wait for it: the wait is in its time.
    assert run.finished[1] - run.scheduled[1] > 0.15


async def test_a_broken_connection_is_an_unanswered_request() -> None:
    run = Run([b"x"], rate=None)
    sender = connect(run, lambda _: None)
    run.start()
    sender.connection_lost(None)
    await asyncio.wait_for(run.done.wait(), 5)
    assert list(run.status) == [0]
    assert run.finished[0] <= time.monotonic()
