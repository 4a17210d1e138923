"""Which accounts there are: what other slices and the API ask of them."""

from uuid import UUID

from services.connections.accounts import plans, store
from services.connections.accounts.models import Account
from services.connections.accounts.plans import Plan
from shared.failures import Refused
from shared.postgres.database import Session
from shared.web.auth import AccountKind


async def add_account(session: Session, kind: AccountKind, name: str) -> Account:
    """The new account; nobody can act in it before somebody is a member."""
    return await store.insert_account(session, kind, name)


async def lock_account(session: Session, account_id: UUID) -> None:
    """Wait for whoever adds to the account, and hold them off."""
    await store.lock_account(session, account_id)


async def require_three_pl(session: Session, account_id: UUID) -> None:
    """Let a 3PL pass that may add brands.

    Raises:
        Refused: `three_pl_only`, `plan_required`.
    """
    account = await store.get_account(session, account_id)
    if account is None or account.kind != "three_pl":
        raise Refused("three_pl_only")
    plans.require_connections(account.plan)


async def change_plan(session: Session, account_id: UUID, plan: Plan) -> Account:
    """The account on its new plan.

    Raises:
        Refused: `not_found`.
    """
    account = await store.set_plan(session, account_id, plan)
    if account is None:
        raise Refused("not_found", what="account")
    return account


async def get_account(session: Session, account_id: UUID) -> Account | None:
    """The account."""
    return await store.get_account(session, account_id)
