"""The platforms' webhooks: each its own signature, its own shape, its own answer."""

from datetime import UTC, datetime
from typing import Any, Literal, get_args

import orjson
from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from services.ingest import quarantine
from services.ingest.arrivals.watching import QUARANTINED
from services.ingest.dependencies import STORE_ID, PlatformSignature, SignedWebhook, process_of
from services.ingest.platforms import load_platforms
from shared.telemetry import WEBHOOKS_IGNORED, traceparent_of
from shared.web.networks import address_of
from shared.web.openapi import refuses
from shared.web.plain_routes import plain

router = APIRouter(tags=["platform webhooks"])
Status = Literal["accepted", "quarantined", "ignored"]


class Receipt(BaseModel):
    """What became of a platform's webhook.

    `quarantined`: kept, but not understood. `ignored`: it is about no order.
    """

    status: Status


_WEBHOOK: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "As the platform sends it.",
        "content": {"application/json": {"schema": {}}},
    },
    # Of the path, which the route reads itself (`shared/web/plain_routes.py`); then the headers.
    "parameters": [
        {
            "name": "platform",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "title": "Platform"},
        },
        STORE_ID,
        *(
            {
                "name": header,
                "in": "header",
                "required": False,
                "description": f"As {name} sends it.",
                "schema": {"type": "string"},
            }
            for name, platform in load_platforms().items()
            for header in platform.kept_headers
        ),
    ],
}


@router.post(
    "/webhooks/{platform}/{store_id}",  # noqa: FAST003  a plain route: its access reads them
    response_model=Receipt,
    summary="A platform's order webhooks",
    openapi_extra=refuses("rate_limited", "overloaded", **_WEBHOOK),
)
async def receive_webhook(request: Request, webhook: PlatformSignature) -> Response:
    """Signed by the platform; 200 means that it is durable."""
    arrivals, sender = process_of(request).arrivals, webhook.store
    with arrivals.of(sender.id):
        status, external_id = await _take(request, webhook)
    if status == "quarantined":
        arrivals.refused(sender.id, QUARANTINED)
    elif external_id is not None:
        arrivals.accepted(sender.id, external_id)
    return _ANSWERS[status]


# Said as they are, each time: nothing in them is of one request.
_ANSWERS = {
    status: Response(orjson.dumps({"status": status}), media_type="application/json")
    for status in get_args(Status)
}
RECEIVE_WEBHOOK = plain(router, receive_webhook)


async def _take(request: Request, webhook: SignedWebhook) -> tuple[Status, str | None]:
    """What became of it, and the order's external id if it is about one."""
    process, sender = process_of(request), webhook.store
    with process.admission.unproven(address_of(request), sender.id):
        body = await webhook.verified_body()
    # Nothing is awaited in between: the place in the process stays free for it.
    with process.admission.proven(sender.id):
        process.admission.enforce_rate_limit(sender.id)
        try:
            order = webhook.platform.parse(body, request.headers, datetime.now(UTC))
        except ValidationError as error:
            await quarantine.keep(
                process.database,
                sender,
                webhook.name,
                error,
                body,
                request.headers,
                webhook.platform.kept_headers,
            )
            return "quarantined", None
        if order is None:
            WEBHOOKS_IGNORED.labels(webhook.name).inc()
            return "ignored", None
        await process.intake.accept(sender, [order], traceparent_of(request.headers))
    return "accepted", order.external_id
