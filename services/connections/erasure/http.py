"""Erasing an account over HTTP."""

from datetime import datetime
from uuid import UUID

import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.connections.dependencies import Process
from services.connections.erasure import erasing
from shared.failures import Refused
from shared.telemetry import traceparent_of
from shared.web.openapi import refuses
from shared.web.operator import OwnerOrOperator
from shared.web.parameters import only_known_parameters

router = APIRouter(prefix="/v1/accounts", tags=["accounts"], dependencies=[only_known_parameters])
logger = structlog.get_logger(__name__)


class ErasedAccount(BaseModel):
    """An account of which nothing personal is kept."""

    account_id: UUID
    erased_at: datetime
    logs_until: datetime = Field(
        description="By then the last copies of its orders have gone from the log, where nobody "
        "can take out a single one."
    )


@router.delete(
    "/{account_id}/personal-data",
    summary="Erase an account's personal data (its owner, or the operator)",
    openapi_extra=refuses("connections_live", security=[{"OperatorKey": []}]),
)
async def erase(
    request: Request, process: Process, caller: OwnerOrOperator, account_id: UUID
) -> ErasedAccount:
    """Final. Ids and decisions stay; the services erase their copies within seconds.

    Disconnect first: as long as a connection is live, it is refused. The operator gets the same
    answer again.
    """
    if caller is not None and caller.account_id != account_id:
        raise Refused("not_found", what="account")
    async with process.database.transaction() as session:
        erased = await erasing.erase(
            session, process.sealer, account_id, traceparent_of(request.headers)
        )
    by = "operator" if caller is None else caller.subject
    logger.info("an account was erased", account=str(account_id), by=by)
    return ErasedAccount(
        account_id=erased.account_id,
        erased_at=erased.erased_at,
        logs_until=erasing.logs_until(erased),
    )
