"""Ingest's edge: credentials, limits, parse, durable, answer."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from services.ingest import store
from services.ingest.adapters import generic, shopify
from services.ingest.credentials import Store, Stores
from services.ingest.intake import Intake
from services.ingest.limits import Bucket
from services.ingest.settings import Settings
from shared.auth import Principal, bearer, bearer_token, principal
from shared.bus import cloud_event_headers
from shared.contracts import ORDERS_RECEIVED, Order, OrderReceived
from shared.database import Database
from shared.outbox import Message
from shared.pagination import After, Limit, Page, decode_cursor, page_of
from shared.problems import Problem, not_found, validation_errors
from shared.runtime import database_of
from shared.telemetry import traceparent_of

_KEPT_HEADERS = ("content-type", "traceparent", shopify.TOPIC_HEADER, "x-shopify-webhook-id")


class Accepted(BaseModel):
    """What became of one order of a request."""

    external_id: str
    status: Literal["accepted"]


class Results(BaseModel):
    """One result per order, in the order of the request."""

    results: list[Accepted]


class Receipt(BaseModel):
    """What became of a platform's webhook; `quarantined` means kept, but not understood."""

    status: Literal["accepted", "quarantined"]


class StoreStatus(BaseModel):
    """The answer to a store that checks its credentials."""

    store_id: UUID
    status: Literal["ready"]


class Quarantined(BaseModel):
    """A body that was accepted with correct credentials, but not understood."""

    id: UUID
    store_id: UUID
    received_at: datetime
    route: str
    reason: str
    bytes: int


class QuarantinedDetail(Quarantined):
    """With the body as it came, where it is text."""

    body: str


class Gate:
    """What stands before a store's order: size, rate, and how many are inside at once.

    Args:
        settings: the limits.
        stores: who may send.
        intake: where accepted orders go.
    """

    def __init__(self, settings: Settings, stores: Stores, intake: Intake) -> None:
        self.stores = stores
        self.intake = intake
        self._settings = settings
        self._buckets: dict[UUID, Bucket] = {}
        self._inside = 0

    @asynccontextmanager
    async def enter(self) -> AsyncIterator[None]:
        """Let a request in.

        Raises:
            Problem: 503 over the process's capacity.
        """
        if self._inside >= self._settings.ingest_max_requests:
            raise Problem(
                503,
                "overloaded",
                "Too many requests are under way; send it again.",
                headers={"Retry-After": "1"},
            )
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    def pay(self, sender: Store) -> None:
        """Count a request that is surely the store's: others are not to use its rate up.

        Raises:
            Problem: 429 over the store's rate.
        """
        now = time.monotonic()
        rate, burst = self._settings.ingest_store_rate, self._settings.ingest_store_burst
        bucket = self._buckets.get(sender.id)
        if bucket is None:
            bucket = self._buckets[sender.id] = Bucket(rate, burst, float(burst), now)
        wait = bucket.take(now)
        if wait > 0:
            seconds = int(wait) + 1
            raise Problem(
                429,
                "rate_limited",
                f"This store may send {rate:g} requests a second.",
                headers={
                    "Retry-After": str(seconds),
                    "RateLimit-Policy": f'"store";q={burst};w={max(1, int(burst / rate))}',
                    "RateLimit": f'"store";r=0;t={seconds}',
                },
            )

    async def body(self, request: Request) -> bytes:
        """The body, read no further than the limit.

        Raises:
            Problem: 413, or 408 when it does not come.
        """
        limit = self._settings.ingest_max_body_bytes
        declared = request.headers.get("content-length", "")
        if declared.isdigit() and int(declared) > limit:
            raise _too_large(limit)
        chunks: list[bytes] = []
        size = 0
        seconds = self._settings.ingest_body_seconds
        try:
            async with asyncio.timeout(seconds):
                async for chunk in request.stream():
                    size += len(chunk)
                    if size > limit:
                        raise _too_large(limit)
                    chunks.append(chunk)
        except TimeoutError:
            raise Problem(
                408, "body_too_slow", f"The body was not here within {seconds:g} s.",
                headers={"Connection": "close"},
            ) from None  # fmt: skip
        return b"".join(chunks)

    def check_count(self, orders: list[Order]) -> None:
        """At most so many orders in one request.

        Raises:
            Problem: 413.
        """
        most = self._settings.ingest_max_orders
        if len(orders) > most:
            raise Problem(413, "too_many_orders", f"Send at most {most} orders in one request.")


def _too_large(limit: int) -> Problem:
    return Problem(413, "body_too_large", f"The body is over the limit of {limit} bytes.")


async def _gate(request: Request) -> Gate:
    gate: Gate = request.app.state.gate
    return gate


GateOf = Annotated[Gate, Depends(_gate)]
Schema = Annotated[Database, Depends(database_of)]
Caller = Annotated[Principal, Depends(principal)]
router = APIRouter()

_ORDER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": Order.model_json_schema()},
            "application/x-ndjson": {},
        },
    }
}


@router.post(
    "/v1/stores/{store_id}/orders",
    status_code=202,
    response_model=Results,
    tags=["orders"],
    summary="Send orders: one, a JSON array, or NDJSON",
    dependencies=[Depends(bearer)],
    openapi_extra=_ORDER_BODY,
)
async def receive_orders(request: Request, store_id: UUID, gate: GateOf) -> Response:
    """Each order is its full current state; 202 means that all of them are durable."""
    sender = _keyed(gate, store_id, request)
    gate.pay(sender)
    async with gate.enter():
        body = await gate.body(request)
        try:
            orders = generic.parse(body, request.headers.get("content-type", ""))
        except ValidationError as error:
            if not generic.is_malformed(error):
                raise Problem(
                    422,
                    "validation_failed",
                    "Nothing was accepted; `errors` names each wrong field.",
                    errors=validation_errors(error.errors(include_input=False)),
                ) from error
            await _quarantine(request, sender, "generic", error, body)
            return _json({"results": [], "status": "quarantined"}, 202)
        gate.check_count(orders)
        now = datetime.now(UTC)
        trace = traceparent_of(request.headers)
        await gate.intake.take(
            [
                _message(sender, "upsert", order.external_id, order.updated_at, order, now, trace)
                for order in orders
            ]
        )
    results = [{"external_id": order.external_id, "status": "accepted"} for order in orders]
    return _json({"results": results}, 202)


@router.post(
    "/webhooks/shopify/{store_id}",
    response_model=Receipt,
    tags=["platform webhooks"],
    summary="Shopify's order webhooks",
)
async def receive_shopify(request: Request, store_id: UUID, gate: GateOf) -> Response:
    """Signed by Shopify (`X-Shopify-Hmac-Sha256`); 200 means that it is durable."""
    sender = gate.stores.get(store_id)
    async with gate.enter():
        body = await gate.body(request)
        signature = request.headers.get(shopify.SIGNATURE_HEADER, "")
        secrets = sender.secrets.get("shopify", ())
        if not any(shopify.signature_is_valid(each, body, signature) for each in secrets):
            raise Problem(
                401,
                "invalid_signature",
                "X-Shopify-Hmac-Sha256 does not fit the body; is the app's client secret the one "
                "that was given to Relevo?",
            )
        gate.pay(sender)
        now = datetime.now(UTC)
        try:
            action, external_id, updated_at, order = shopify.parse(
                body, request.headers.get(shopify.TOPIC_HEADER, ""), now
            )
        except ValidationError as error:
            await _quarantine(request, sender, "shopify", error, body)
            return _json({"status": "quarantined"}, 200)
        trace = traceparent_of(request.headers)
        await gate.intake.take(
            [_message(sender, action, external_id, updated_at, order, now, trace)]
        )
    return _json({"status": "accepted"}, 200)


@router.get(
    "/v1/stores/{store_id}",
    tags=["orders"],
    summary="Check a store's API key",
    dependencies=[Depends(bearer)],
)
async def check_store(request: Request, store_id: UUID, gate: GateOf) -> StoreStatus:
    """For an integrator, before going live: the store is known here and the key fits."""
    return StoreStatus(store_id=_keyed(gate, store_id, request).id, status="ready")


@router.get(
    "/v1/quarantine",
    tags=["quarantine"],
    summary="What was accepted but not understood",
    dependencies=[Depends(bearer)],
)
async def list_quarantine(
    caller: Caller,
    database: Schema,
    store_id: Annotated[UUID | None, Query(alias="store")] = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[Quarantined]:
    """Of the brand's stores, newest first."""
    cursor = decode_cursor(after, UUID)
    async with database.connection() as session:
        rows = await store.quarantined(
            session, caller.account_id, store_id, cursor[0] if cursor else None, limit + 1
        )
    data, following = page_of(rows, limit, lambda row: Quarantined(**row), lambda row: row["id"])
    return Page(data=data, next=following)


@router.get(
    "/v1/quarantine/{entry}",
    tags=["quarantine"],
    summary="One entry with its body",
    dependencies=[Depends(bearer)],
)
async def get_quarantined(caller: Caller, database: Schema, entry: UUID) -> QuarantinedDetail:
    """The body as it came; bytes that are no text are shown as replacement characters."""
    async with database.connection() as session:
        row = await store.quarantine_entry(session, entry, caller.account_id)
    if row is None:
        raise not_found("quarantine entry")
    return QuarantinedDetail(**{**row, "body": bytes(row["body"]).decode(errors="replace")})


def _keyed(gate: Gate, store_id: UUID, request: Request) -> Store:
    """The store, once its API key was shown.

    Raises:
        Problem: 404 for an unknown store, 401 for a wrong key.
    """
    sender = gate.stores.get(store_id)
    if not sender.accepts_key(bearer_token(request)):
        raise Problem(
            401,
            "invalid_key",
            "This API key is not one of the store's.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    return sender


def _message(
    sender: Store,
    action: Literal["upsert", "delete"],
    external_id: str,
    updated_at: datetime,
    order: Order | None,
    now: datetime,
    trace: str,
) -> Message:
    # Every part is validated already; constructing anew would check the order a second time.
    received = OrderReceived.model_construct(
        store_id=sender.id,
        brand_id=sender.brand_id,
        external_id=external_id,
        action=action,
        updated_at=updated_at,
        received_at=now,
        order=order,
    )
    return Message(
        ORDERS_RECEIVED.name,
        received.key,
        cloud_event_headers(ORDERS_RECEIVED.event_type, "/relevo/ingest", received.key, trace),
        received.model_dump_json().encode(),
    )


async def _quarantine(
    request: Request, sender: Store, route: str, error: ValidationError, body: bytes
) -> None:
    """Keep what was not understood; a database that is away answers 503 (shared.problems)."""
    wrong = validation_errors(error.errors(include_input=False))
    reason = "; ".join(f"{each['pointer'] or '/'}: {each['message']}" for each in wrong)[:2_000]
    # A pointer may name a field of the body, and PostgreSQL holds no NUL.
    reason = reason.replace("\0", "")
    headers = {name: request.headers[name] for name in _KEPT_HEADERS if name in request.headers}
    database: Database = request.app.state.runtime.database
    async with database.connection() as session:
        await store.quarantine(
            session,
            store_id=sender.id,
            brand_id=sender.brand_id,
            route=route,
            reason=reason,
            headers=orjson.dumps(headers).decode(),
            body=body,
        )


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
