"""Accounts and their plans."""

from datetime import datetime
from uuid import UUID

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from services.connections.accounts import models, registry, store
from services.connections.accounts.plans import Plan
from services.connections.dependencies import Process
from shared.contracts.accounts_changed import AccountKind
from shared.contracts.connections_changed import ConnectionState
from shared.telemetry import traceparent_of
from shared.web.openapi import refuses
from shared.web.operator import Operator
from shared.web.pagination import After, Limit, Page, decode_cursor_part, page_of
from shared.web.parameters import Form, SearchText, only_known_parameters

router = APIRouter(dependencies=[only_known_parameters])


class Account(BaseModel):
    """A tenant: a brand or a 3PL."""

    id: UUID
    kind: AccountKind
    name: str
    plan: Plan
    created_at: datetime


class ListedAccount(Account):
    """With what its operator asks first; `people` is 0 for a claim that nobody has accepted."""

    people: int
    connections: dict[ConnectionState, int] = Field(description="How many are in each state.")


class ChangedAccount(Account):
    """The account on its new plan."""

    active_connections: int = Field(
        description="Those of a 3PL that are switched on; they go on whatever the plan."
    )


class PlanChange(Form):
    """`conquer` lets a 3PL hold connections."""

    plan: Plan


@router.get("/v1/accounts", tags=["accounts"], summary="List accounts, newest first (operator)")
async def list_accounts(
    _: Operator,
    process: Process,
    kind: AccountKind | None = None,
    plan: Plan | None = None,
    q: SearchText = None,
    limit: Limit = 50,
    after: After = None,
) -> Page[ListedAccount]:
    """All of the installation, claims too."""
    async with process.database.reading() as session:
        rows = await store.list_accounts(
            session,
            kind=kind,
            plan=plan,
            text=q,
            after=decode_cursor_part(after, UUID),
            limit=limit + 1,
        )
    return page_of(rows, limit, _listed, lambda row: row.id)


def _listed(row: models.ListedAccount) -> ListedAccount:
    return ListedAccount.model_validate(row, from_attributes=True)


@router.put(
    "/v1/accounts/{account_id}/plan",
    tags=["accounts"],
    summary="Change an account's plan (operator)",
    openapi_extra=refuses("three_pl_only"),
)
async def change_plan(
    _: Operator, request: Request, process: Process, account_id: UUID, body: PlanChange
) -> ChangedAccount:
    """Existing connections go on whatever the plan; activating needs `conquer`."""
    traceparent = traceparent_of(request.headers)
    async with process.database.transaction() as session:
        account = await registry.change_plan(session, account_id, body.plan, traceparent)
        active = await registry.count_active(session, account_id)
    return ChangedAccount(
        id=account.id,
        kind=account.kind,
        name=account.name,
        plan=account.plan,
        created_at=account.created_at,
        active_connections=active,
    )
