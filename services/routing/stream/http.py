"""`GET /v1/orders/stream`: what happens to the caller's orders, as server-sent events.

https://html.spec.whatwg.org/multipage/server-sent-events.html. FastAPI's own way of them costs a
quarter of a millisecond for each event and listener; its encoding is used, once for all who hear.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Annotated
from uuid import UUID

import jwt
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import KEEPALIVE_COMMENT, format_sse_event
from starlette.responses import StreamingResponse

from services.routing.lifecycle import Tab
from services.routing.lists.filter import Viewer
from services.routing.stream.ring import Entry, Place
from services.routing.stream.tail import Listener, Tail
from services.routing.stream.told import Wish
from shared.failures import Permanent
from shared.sealing import Sealer
from shared.web.access import DelegableAccount, bearer_token
from shared.web.auth import Principal
from shared.web.parameters import only_known_parameters
from shared.web.revocations import Revocations

router = APIRouter(prefix="/v1", dependencies=[only_known_parameters])
# Offsets would tell each account how busy all others are.
_CONTEXT = "place in the stream of orders"
_RETRY_MS = 2_000
_MEDIA = "text/event-stream"
_ALIVE_SECONDS = 15.0
# The first event goes at once; what comes right behind it goes together: nobody reads faster.
_TOGETHER_SECONDS = 0.5
# No proxy is to keep any of it back (nginx asks for the second by name).
_HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


class Places:
    """Places as event ids, which mean nothing to their readers; every process opens them.

    Args:
        sealer: of the installation.
    """

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer

    def id_of(self, place: Place) -> str:
        """As `Last-Event-ID` comes back."""
        return self._sealer.seal(json.dumps(list(place.items())), _CONTEXT)

    def place_of(self, event_id: str) -> Place:
        """An empty place for what is no id of ours: then something is missing."""
        try:
            return {int(at): int(offset) for at, offset in json.loads(self._open(event_id))}
        except (Permanent, ValueError, TypeError):
            return {}

    def _open(self, event_id: str) -> str:
        return self._sealer.open(event_id, _CONTEXT)


async def _listener(
    request: Request,
    caller: DelegableAccount,
    store: Annotated[UUID | None, Query(description="One store.")] = None,
    connection: Annotated[UUID | None, Query(description="One connected store.")] = None,
    tab: Annotated[
        Tab | None, Query(description="Orders that are in this tab after the event.")
    ] = None,
    last_event_id: Annotated[
        str | None, Header(description="Go on behind this event.", max_length=4_096)
    ] = None,
) -> AsyncIterator[Listener]:
    """Listening begins before the answer does, while it can still be refused."""
    tail: Tail = request.app.state.tail
    places: Places = request.app.state.places
    place = places.place_of(last_event_id) if last_event_id else None
    wish = Wish(Viewer.of(caller), store, connection, tab)
    async with tail.listen(wish, place) as listener:
        yield listener


@router.get(
    "/orders/stream",
    tags=["orders"],
    summary="What happens to orders, live",
    response_class=StreamingResponse,
    responses={200: {"content": {_MEDIA: {"schema": {"type": "string"}}}}},
)
async def stream_orders(
    request: Request,
    caller: DelegableAccount,
    listener: Annotated[Listener, Depends(_listener)],
    last_event_id: Annotated[str | None, Header(include_in_schema=False)] = None,
) -> StreamingResponse:
    """Events of the orders that a list would show the caller, from now on.

    Each has `{order_id, type, sequence, status, connection_id, at}` as its data: nothing of the
    buyer. `event: reset`: some were left out (the reader was too slow, or away for too long), and
    the list is to be read again. An event may come twice; `sequence` tells. The stream ends with
    the token: connect again with another one and with the `Last-Event-ID`.
    """
    blocks = _blocks(request, caller, listener, is_new=last_event_id is None)
    return StreamingResponse(blocks, media_type=_MEDIA, headers=_HEADERS)


async def _blocks(
    request: Request, caller: Principal, listener: Listener, *, is_new: bool
) -> AsyncIterator[bytes]:
    """What is sent, as often as it is worth it; what many hear is encoded once."""
    tail: Tail = request.app.state.tail
    places: Places = request.app.state.places
    if is_new:
        here = places.id_of(tail.here)
        yield format_sse_event(id=here, retry=_RETRY_MS, comment="from here on")
    ends_at = _end_of(request)
    while (left := ends_at - time.time()) > 0:
        await listener.wait(min(left, _ALIVE_SECONDS))
        if tail.is_stopped or _is_over(request, caller, ends_at):
            return
        is_reset, entries = listener.take()
        if is_reset:
            yield format_sse_event(event="reset", id=places.id_of(tail.here), data_str="{}")
        if entries:
            yield b"".join(_wire(places, entry) for entry in entries)
            await asyncio.sleep(_TOGETHER_SECONDS)
        elif not is_reset:
            yield KEEPALIVE_COMMENT


def _wire(places: Places, entry: Entry) -> bytes:
    if not entry.wire:
        entry.wire = format_sse_event(data_str=entry.told.data, id=places.id_of(entry.behind))
    return entry.wire


def _end_of(request: Request) -> float:
    """When the token ends; that it is good was found before."""
    claims = jwt.decode(bearer_token(request), options={"verify_signature": False})
    return float(claims["exp"])


def _is_over(request: Request, caller: Principal, ends_at: float) -> bool:
    revocations: Revocations = request.app.state.revocations
    return time.time() >= ends_at or revocations.revokes(caller)
