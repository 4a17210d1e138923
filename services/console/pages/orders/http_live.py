"""The list, live: how many orders are new or changed, and the state of those that are shown."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from typing import Any

import httpx
from fastapi import APIRouter, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from services.console.api.problem import ApiAway, ApiProblem
from services.console.api.together import known
from services.console.browser.sessions import SessionOver
from services.console.browser.signed_in import ActingOver, SignedIn
from services.console.dependencies import Person, language_for
from services.console.pages.orders import filters, statuses
from services.console.pages.orders.filters import Filter
from services.console.pages.orders.http import ON_A_PAGE
from services.console.pages.orders.watch import Watch
from services.console.rendering import templates

router = APIRouter(include_in_schema=False, prefix="/orders")
_SEEN = "seen"
# Nobody reads faster, and orders come in bursts.
_TOGETHER_SECONDS = 0.5
# Beyond, it is only said that they changed.
_MOST_AT_ONCE = 20
_RETRY_MS = 3_000


@router.get("/live", response_class=EventSourceResponse)
async def watch_orders(request: Request, me: Person) -> AsyncIterator[ServerSentEvent]:
    """Blocks of the page, as they change. What ends it is said by the page that comes next."""
    pairs = request.query_params.multi_items()
    seen = request.query_params.get(_SEEN, "")
    asked, _ = filters.read([pair for pair in pairs if pair[0] != _SEEN])
    yield ServerSentEvent(comment="begins", retry=_RETRY_MS)
    with suppress(ApiProblem, ApiAway, SessionOver, ActingOver, httpx.HTTPError):
        async for watch, orders in _changes(me, asked, seen):
            html = templates.render(
                "orders/live.html",
                language_for(request),
                {"watch": watch, "orders": orders, "asked": asked, "words": statuses},
            )
            yield ServerSentEvent(raw_data=html)


async def _changes(
    me: SignedIn, asked: Filter, seen: str
) -> AsyncIterator[tuple[Watch, list[dict[str, Any]]]]:
    wanted = {name: asked.first(name) for name in ("connection", "store")}
    # Events first: what happens between them and the page is in one of the two.
    async with me.stream("routing", "/v1/orders/stream", wanted, await me.token()) as answer:
        page = await me.get("routing", "/v1/orders", **_page(asked))
        watch = Watch.of(asked, page["data"], seen)
        yield watch, []
        async for changes in _together(answer):
            if None in changes:
                watch.is_other = True
            here = {one["order_id"] for one in changes if one and watch.hear(one)}
            if here or watch.new or watch.changed or watch.is_other:
                yield watch, await _as_they_are(me, here)


def _page(asked: Filter) -> dict[str, object]:
    return asked.params(limit=ON_A_PAGE, after=asked.after)


async def _as_they_are(me: SignedIn, ids: Iterable[str]) -> list[dict[str, Any]]:
    few = sorted(ids)[:_MOST_AT_ONCE]
    found = await known(*(me.get("routing", f"/v1/orders/{one}") for one in few))
    gone = {"status": "gone", "holds": []}
    return [order or {"id": one, **gone} for one, order in zip(few, found, strict=True)]


async def _together(answer: httpx.Response) -> AsyncIterator[list[dict[str, Any] | None]]:
    """Events of a second at a time; None where some were left out."""
    heard: list[dict[str, Any] | None] = []
    woken = asyncio.Event()

    async def read() -> None:
        try:
            event = ""
            async for line in answer.aiter_lines():
                name, _, value = line.partition(":")
                if name == "event":
                    event = value.strip()
                elif name == "data":
                    heard.append(None if event == "reset" else json.loads(value))
                    woken.set()
                elif not line:
                    event = ""
        finally:
            woken.set()

    reading = asyncio.create_task(read())
    try:
        while not reading.done() or heard:
            await woken.wait()
            await asyncio.sleep(_TOGETHER_SECONDS)
            woken.clear()
            taken, heard[:] = list(heard), []
            if taken:
                yield taken
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
