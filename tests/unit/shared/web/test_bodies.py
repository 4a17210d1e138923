"""What a body may be: packed, but not a bomb; large, but not a puzzle."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.failures import Refused
from shared.web.bodies import BoundedBodies, decoded

LIMIT = 10_000
ORDER = b'{"external_id":"1"}' * 40


@pytest.mark.parametrize("encoding", ["", "identity", "br"])
def test_what_is_not_packed_stays_as_it_is(encoding: str) -> None:
    assert decoded(ORDER, encoding, LIMIT) == ORDER


@pytest.mark.parametrize(
    ("encoding", "packed"),
    [
        ("gzip", gzip.compress(ORDER)),
        ("GZIP ", gzip.compress(ORDER)),
        ("deflate", zlib.compress(ORDER)),
    ],
    ids=["gzip", "GZIP", "deflate"],
)
def test_a_packed_body_is_unpacked(encoding: str, packed: bytes) -> None:
    assert decoded(packed, encoding, LIMIT) == ORDER


def test_a_bomb_is_unpacked_no_further_than_the_limit() -> None:
    with pytest.raises(Refused, match="body_too_large"):
        decoded(gzip.compress(b"0" * 50_000_000), "gzip", LIMIT)


@pytest.mark.parametrize(
    "body", [b"", b"{}", gzip.compress(ORDER)[:-9]], ids=["empty", "plain", "cut off"]
)
def test_what_is_not_what_it_says_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="malformed_encoding"):
        decoded(body, "gzip", LIMIT)


def test_a_body_made_of_very_many_strings_is_refused_before_anything_reads_it() -> None:
    strings = b'"a":1,' * 80_000
    with pytest.raises(Refused, match="body_too_complex"):
        decoded(strings, "", len(strings))


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    """An application that takes 100 bytes within 50 ms and says what it got."""
    app = FastAPI()
    app.add_middleware(BoundedBodies, max_bytes=100, seconds=0.05)

    @app.post("/forms")
    async def forms(form: dict[str, Any]) -> dict[str, Any]:
        return form

    @app.get("/forms")
    async def nothing() -> str:
        return "nothing"

    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://forms"
    ) as client:
        yield client


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


async def test_a_small_body_arrives_whole(client: httpx.AsyncClient) -> None:
    headers = {"content-type": "application/json"}
    answer = await client.post("/forms", content=pieces(b'{"a":', b"1}"), headers=headers)

    assert answer.json() == {"a": 1}
    assert (await client.get("/forms")).json() == "nothing"


@pytest.mark.parametrize("length", ["declared", "unknown"])
async def test_a_large_body_is_refused_before_it_is_parsed(
    client: httpx.AsyncClient, length: str
) -> None:
    taken = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal taken
        for _ in range(1_000):
            taken += 1
            yield b"x" * 60

    content: Any = b"x" * 101 if length == "declared" else endless()
    answer = await client.post("/forms", content=content)

    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert (answer.json()["code"], answer.json()["limit"]) == ("body_too_large", 100)
    assert taken <= 2


async def test_a_body_that_does_not_come_is_not_waited_for(client: httpx.AsyncClient) -> None:
    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    answer = await client.post("/forms", content=never())

    assert (answer.status_code, answer.json()["code"]) == (408, "body_too_slow")
    assert answer.headers["connection"] == "close"
