"""The bench's receiver counts whole requests, however they are cut."""

import asyncio
from typing import Any

import pytest

from relevo.bench.sink import Arrivals, Sink


class Wire(asyncio.WriteTransport):
    def __init__(self) -> None:
        super().__init__()
        self.written = b""

    def write(self, data: Any) -> None:
        self.written += bytes(data)


def webhook(number: int, signature: str = "v1,abc=") -> bytes:
    body = b'{"type":"order.created","data":{"external_id":"%d"}}' % number
    return (
        f"POST /0 HTTP/1.1\r\nHost: x\r\nWebhook-Id: msg-{number}\r\n"
        f"webhook-signature: {signature}\r\nContent-Length: {len(body)}\r\n\r\n"
    ).encode() + body


def feed(*pieces: bytes) -> tuple[Arrivals, bytes]:
    arrivals, wire = Arrivals(), Wire()
    sink = Sink(arrivals)
    sink.connection_made(wire)
    for piece in pieces:
        sink.data_received(piece)
    return arrivals, wire.written


@pytest.mark.parametrize("cut", [1, 40, 100, 150])
def test_a_request_in_two_pieces_is_one_arrival(cut: int) -> None:
    whole = webhook(7)
    arrivals, written = feed(whole[:cut], whole[cut:])
    assert [arrival[1:] for arrival in arrivals.all] == [(b"msg-7", b"7")]
    assert written.count(b"200 OK") == 1


def test_two_requests_in_one_piece_are_two_arrivals() -> None:
    arrivals, written = feed(webhook(1) + webhook(2))
    assert [arrival[2] for arrival in arrivals.all] == [b"1", b"2"]
    assert written.count(b"200 OK") == 2


def test_a_webhook_without_a_signature_is_noticed() -> None:
    assert feed(webhook(1), webhook(2, signature=""))[0].unsigned == 1


def test_count_and_dump_tell_what_arrived() -> None:
    _, counted = feed(webhook(1), b"GET /count HTTP/1.1\r\n\r\n")
    assert counted.endswith(b"1 0")
    _, dumped = feed(webhook(1), b"GET /dump HTTP/1.1\r\n\r\n")
    assert dumped.endswith(b" msg-1 1")
