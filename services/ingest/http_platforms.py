"""The platforms' webhooks: each its own signature, its own shape, its own answer."""

from datetime import UTC, datetime
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError
from starlette.responses import Response

from services.ingest import quarantine
from services.ingest.dependencies import PlatformSignature, Process
from shared.telemetry import traceparent_of

router = APIRouter(tags=["platform webhooks"])


class Receipt(BaseModel):
    """What became of a platform's webhook; `quarantined` means kept, but not understood."""

    status: Literal["accepted", "quarantined"]


def _answer(receipt: Receipt) -> Response:
    return Response(receipt.model_dump_json(), media_type="application/json")


@router.post(
    "/webhooks/{platform}/{store_id}",
    response_model=Receipt,
    summary="A platform's order webhooks",
)
async def receive_webhook(
    request: Request,
    platform: str,
    store_id: UUID,
    process: Process,
    webhook: PlatformSignature,
) -> Response:
    """Signed by the platform; 200 means that it is durable."""
    sender = webhook.sender
    process.admission.enforce_rate_limit(sender.id)
    try:
        order = webhook.platform.parse(webhook.body, request.headers, datetime.now(UTC))
    except ValidationError as error:
        await quarantine.keep(
            process.database,
            sender,
            webhook.name,
            error,
            webhook.body,
            request.headers,
            webhook.platform.kept_headers,
        )
        return _answer(Receipt(status="quarantined"))
    await process.intake.accept(sender, [order], traceparent_of(request.headers))
    return _answer(Receipt(status="accepted"))
