"""Plans of accounts, and the keys that tokens verify by."""

from datetime import datetime
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel

from services.connections.accounts import models, registry
from services.connections.accounts.plans import Plan
from services.connections.dependencies import Operator, Process
from shared.contracts.accounts_changed import AccountKind
from shared.telemetry import traceparent_of
from shared.web.access import Public
from shared.web.openapi import refuses
from shared.web.parameters import Form, only_known_parameters

router = APIRouter(dependencies=[only_known_parameters])


class Account(BaseModel):
    """A tenant: a brand or a 3PL."""

    id: UUID
    kind: AccountKind
    name: str
    plan: Plan
    created_at: datetime


class PlanChange(Form):
    """`conquer` lets a 3PL hold connections."""

    plan: Plan


def _present(account: models.Account) -> Account:
    return Account.model_validate(account, from_attributes=True)


@router.put(
    "/v1/accounts/{account_id}/plan",
    tags=["accounts"],
    summary="Change an account's plan (operator)",
    openapi_extra=refuses("three_pl_only"),
)
async def change_plan(
    _: Operator, request: Request, process: Process, account_id: UUID, body: PlanChange
) -> Account:
    """Existing connections go on whatever the plan; activating needs `conquer`."""
    traceparent = traceparent_of(request.headers)
    async with process.database.transaction() as session:
        return _present(await registry.change_plan(session, account_id, body.plan, traceparent))


@router.get(
    "/.well-known/jwks.json", tags=["keys"], summary="The keys that tokens verify by (RFC 7517)"
)
async def jwks(_: Public, process: Process) -> dict[str, list[dict[str, Any]]]:
    """A JSON Web Key Set with Ed25519 public keys."""
    return process.issuer.jwks
