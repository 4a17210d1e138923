"""Attachments: streamed in, known by what is in them, and served so that no browser runs them."""

import tracemalloc
from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import pytest

from services.fulfilment.tickets.models import MAX_ATTACHMENT_BYTES
from tests.kit.builders import BRAND, THREE_PL
from tests.kit.tickets import PNG, a_draft

pytestmark = pytest.mark.engines
MEBIBYTE = 1024 * 1024


async def sent(head: bytes, size: int) -> AsyncIterator[bytes]:
    yield head
    left = size - len(head)
    while left > 0:
        yield bytes(min(left, 64 * 1024))
        left -= 64 * 1024


async def test_files_are_streamed_in_and_out_and_never_whole_in_memory(
    client: httpx.AsyncClient, make_token: Callable[..., str], database: asyncpg.Connection
) -> None:
    own = {"authorization": f"Bearer {make_token(BRAND, 'brand')}"}
    ticket = f"/v1/tickets/{await a_draft(database)}"

    async def attach(content: Any, name: str = "a.png", headers: Any = own) -> httpx.Response:
        url = f"{ticket}/attachments"
        return await client.post(url, params={"name": name}, content=content, headers=headers)

    assert (await attach(PNG)).status_code == 201
    tracemalloc.start()
    largest = await attach(sent(PNG, MAX_ATTACHMENT_BYTES), "big.png")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (largest.status_code, largest.json()["size_bytes"]) == (201, MAX_ATTACHMENT_BYTES)
    assert peak < 5 * MEBIBYTE
    # The same again is the one that is there.
    assert (await attach(sent(PNG, MAX_ATTACHMENT_BYTES), "c.png")).json() == largest.json()
    for content in (sent(PNG, MAX_ATTACHMENT_BYTES + 1), bytes(MAX_ATTACHMENT_BYTES + 1)):
        over = await attach(content)
        assert (over.status_code, over.json()["code"]) == (413, "body_too_large")

    # What it is, not what it is called.
    html = await attach(b"<html><script>alert(1)</script>", "photo.png")
    assert (html.status_code, html.json()["looks_like"]) == (415, "text/html")
    named = (await attach(PNG + b"1", "Rechnung für Zoë.pdf")).json()
    assert (named["content_type"], named["name"]) == ("image/png", "Rechnung für Zoë.pdf")
    got = await client.get(f"{ticket}/attachments/{named['id']}", headers=own)
    assert got.content == PNG + b"1"
    assert {name: got.headers[name] for name in (
        "content-type", "x-content-type-options", "content-disposition",
    )} == {
        "content-type": "image/png",
        "x-content-type-options": "nosniff",
        "content-disposition": "attachment; filename*=UTF-8''Rechnung%20f%C3%BCr%20Zo%C3%AB.pdf",
    }  # fmt: skip
    big = await client.get(f"{ticket}/attachments/{largest.json()['id']}", headers=own)
    assert len(big.content) == MAX_ATTACHMENT_BYTES
    # Of what was refused nothing is left.
    assert await database.fetchval("SELECT count(*) FROM ticket_attachments") == len("abc")
    assert len((await client.get(ticket, headers=own)).json()["attachments"]) == len("abc")

    other = {"authorization": f"Bearer {make_token(THREE_PL, 'three_pl')}"}
    stranger = {"authorization": f"Bearer {make_token(uuid4(), 'three_pl')}"}
    file = f"{ticket}/attachments/{named['id']}"
    assert (await client.get(file, headers=other)).status_code == 404
    opened = await client.post(f"{ticket}/open", headers=own)
    assert opened.json()["state"] == "open"
    assert (await client.get(file, headers=other)).content == PNG + b"1"
    assert (await attach(PNG, headers=other)).status_code == 403
    assert (await client.get(file, headers=stranger)).status_code == 404
    assert (await attach(PNG, headers=stranger)).status_code == 404

    for number in range(17):
        assert (await attach(b"page %d" % number)).status_code == 201
    full = await attach(b"one more")
    assert (full.status_code, full.json()["code"]) == (409, "too_many")
