"""The generic order API: a store's own key, its own orders, durable before it is answered."""

from typing import Any, Literal
from uuid import UUID

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, TypeAdapter, ValidationError
from starlette.responses import Response

from services.ingest import order_in, quarantine
from services.ingest.arrivals.watching import QUARANTINED
from services.ingest.credentials import Store
from services.ingest.dependencies import STORE_ID, Dependencies, StoreKey, process_of
from services.ingest.order_in import OrderIn
from services.ingest.platforms import PlatformOrder
from services.ingest.reading import GENERIC, read_generic
from shared.failures import Refused
from shared.telemetry import traceparent_of
from shared.web.networks import address_of
from shared.web.openapi import refuses
from shared.web.plain_routes import plain
from shared.web.problems import errors_of

router = APIRouter(tags=["orders"])


class Accepted(BaseModel):
    """What became of one order of a request."""

    external_id: str
    status: Literal["accepted"]


class Results(BaseModel):
    """One result per order, in the order of the request.

    `status` says `quarantined` of a body that was no JSON: kept as it came, and not understood, for
    this `reason`.
    """

    results: list[Accepted]
    status: Literal["quarantined"] | None = None
    reason: str | None = None


class StoreStatus(BaseModel):
    """The answer to a store that checks its credentials."""

    store_id: UUID
    status: Literal["ready"]


_ONE_OR_MANY = TypeAdapter(OrderIn | list[OrderIn]).json_schema(
    ref_template="#/components/schemas/{model}"
)
_ORDER_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _ONE_OR_MANY},
            "application/x-ndjson": {},
        },
    },
    "parameters": [STORE_ID],
}


@router.post(
    "/v1/stores/{store_id}/orders",  # noqa: FAST003  a plain route: its access reads it
    status_code=202,
    response_model=Results,
    summary="Send orders: one, a JSON array, or NDJSON",
    openapi_extra=refuses("rate_limited", "too_many_orders", "overloaded", **_ORDER_BODY),
)
async def receive_orders(request: Request, sender: StoreKey) -> Response:
    """Each order is its full current state; 202 means that all of them are durable."""
    process = process_of(request)
    with process.arrivals.of(sender.id):
        orders = await _take(request, process, sender)
    if isinstance(orders, str):
        process.arrivals.refused(sender.id, QUARANTINED)
        return _json({"results": [], "status": "quarantined", "reason": orders}, 202)
    if orders:
        process.arrivals.accepted(sender.id, orders[-1].external_id)
    results = [{"external_id": order.external_id, "status": "accepted"} for order in orders]
    return _json({"results": results}, 202)


RECEIVE_ORDERS = plain(router, receive_orders)


async def _take(
    request: Request, process: Dependencies, sender: Store
) -> list[PlatformOrder] | str:
    """The orders, durable by now; or why the body was no JSON, and is in the quarantine."""
    process.admission.enforce_rate_limit(sender.id)
    with process.admission.proven(sender.id):
        with process.admission.reading(address_of(request)):
            body = await process.body(request)
        body = process.decoded(request, body)
        try:
            content_type = request.headers.get("content-type", "")
            orders = read_generic(body, content_type, process.settings.ingest_max_orders)
        except ValidationError as error:
            if not order_in.is_malformed(error):
                raise Refused(
                    "validation_failed",
                    errors=errors_of(error),
                ) from error
            return await quarantine.keep(
                process.database, sender, GENERIC, error, body, request.headers
            )
        await process.intake.accept(sender, orders, traceparent_of(request.headers))
    return orders


@router.get("/v1/stores/{store_id}", summary="Check a store's API key")
async def check_store(store_id: UUID, sender: StoreKey) -> StoreStatus:
    """For an integrator, before going live: the store is known here and the key fits."""
    return StoreStatus(store_id=sender.id, status="ready")


def _json(content: object, status: int) -> Response:
    return Response(orjson.dumps(content), status, media_type="application/json")
