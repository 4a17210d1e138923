"""The list, live: how many orders are new or changed, and the state of those that are shown."""

from collections.abc import AsyncIterator, Mapping
from contextlib import suppress
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

import httpx
from fastapi import APIRouter, Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import StreamingResponse

from services.console.api.problem import ApiAway, ApiProblem
from services.console.api.together import known
from services.console.browser.sessions import SessionOver
from services.console.browser.signed_in import ActingOver, SignedIn
from services.console.dependencies import Person, language_for
from services.console.pages.orders import filters, statuses, watch
from services.console.pages.orders.filters import Filter
from services.console.pages.orders.http import ON_A_PAGE
from services.console.pages.orders.watch import Change, Watch
from services.console.rendering import templates
from services.console.words.languages import Language

router = APIRouter(include_in_schema=False, prefix="/orders")
_SEEN = "seen"
# Beyond, it is only said that they changed.
_MOST_AT_ONCE = 20
_RETRY_MS = 3_000
# No proxy is to keep any of it back (nginx asks for the second by name).
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@router.get("/live", response_class=StreamingResponse)
async def watch_orders(request: Request, me: Person) -> StreamingResponse:
    """Blocks of the page, as they change. What ends it is said by the page that comes next."""
    pairs = request.query_params.multi_items()
    seen = request.query_params.get(_SEEN, "")
    asked, _ = filters.read([pair for pair in pairs if pair[0] != _SEEN])
    blocks = _blocks(me, asked, seen, language_for(request))
    return StreamingResponse(blocks, media_type="text/event-stream", headers=_HEADERS)


async def _blocks(
    me: SignedIn, asked: Filter, seen: str, language: Language
) -> AsyncIterator[bytes]:
    yield format_sse_event(comment="begins", retry=_RETRY_MS)
    here = asked.query + (f"&{urlencode({'after': asked.after})}" if asked.after else "")
    with suppress(ApiProblem, ApiAway, SessionOver, ActingOver, httpx.HTTPError):
        async for page, orders in _changes(me, asked, seen):
            if page is None:
                yield KEEPALIVE_COMMENT
                continue
            html = _link(language, here, page.is_other, len(page.new), len(page.changed))
            if orders:
                values = {"orders": orders, "words": statuses}
                html += templates.render("orders/live.html", language, values)
            yield format_sse_event(data_str=html)


@lru_cache(maxsize=1_000)
def _link(language: Language, here: str, is_other: bool, new: int, changed: int) -> str:  # noqa: FBT001  a key
    """The link to the page as it is now; many who look at the same page read the same."""
    values = {"here": f"/orders?{here}", "is_other": is_other, "new": new, "changed": changed}
    return templates.render("orders/live_link.html", language, values)


async def _changes(
    me: SignedIn, asked: Filter, seen: str
) -> AsyncIterator[tuple[Watch | None, list[dict[str, Any]]]]:
    """The page and its orders that changed; no page when nothing has happened for a while."""
    wanted = {name: asked.first(name) for name in ("connection", "store")}
    # Events first: what happens between them and the page is in one of the two.
    async with me.stream("routing", "/v1/orders/stream", wanted, await me.token()) as answer:
        found = await me.get("routing", "/v1/orders", **_page(asked))
        page = Watch.of(asked, found["data"], seen)
        yield page, []
        rest = b""
        # The API sends as often as it is worth it: at once, and then twice a second.
        async for chunk in answer.aiter_bytes():
            changes, rest = watch.events_of(rest + chunk)
            here = {one["order_id"]: one for one in changes if one and page.hear(one)}
            page.is_other = page.is_other or None in changes
            if not changes:
                yield None, []
            elif here or page.new or page.changed or page.is_other:
                yield page, await _as_they_are(me, here)


def _page(asked: Filter) -> dict[str, object]:
    return asked.params(limit=ON_A_PAGE, after=asked.after)


async def _as_they_are(me: SignedIn, changes: Mapping[str, Change]) -> list[dict[str, Any]]:
    """The rows that are shown, as they are now; most are told by the event itself."""
    few = sorted(changes)[:_MOST_AT_ONCE]
    told = {one: watch.order_of(changes[one]) for one in few}
    asked_for = [one for one in few if told[one] is None]
    found = await known(*(me.get("routing", f"/v1/orders/{one}") for one in asked_for))
    gone = {"status": "gone", "holds": []}
    as_asked = {
        one: order or {"id": one, **gone} for one, order in zip(asked_for, found, strict=True)
    }
    return [told[one] or as_asked[one] for one in few]
