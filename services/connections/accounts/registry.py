"""Which accounts there are: what other slices and the API ask of them."""

from datetime import timedelta
from uuid import UUID

from services.connections import messages
from services.connections.accounts import plans, store
from services.connections.accounts.models import Account
from services.connections.accounts.plans import Plan
from shared.contracts.accounts_changed import AccountKind
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Session
from shared.web.revocations import MOST_TOKEN_SECONDS

# A session that ended is told of for as long as a token of it may live, and clocks differ.
_TOKENS_LIVE = timedelta(seconds=MOST_TOKEN_SECONDS + 60)


async def add_account(session: Session, kind: AccountKind, name: str) -> Account:
    """The new account; nobody can act in it before somebody is a member."""
    return await store.insert_account(session, kind, name)


async def lock_account(session: Session, account_id: UUID) -> None:
    """Wait for whoever adds to the account, and hold them off."""
    await store.lock_account(session, account_id)


async def rename_claim(session: Session, account_id: UUID, name: str) -> None:
    """Another name for a claim; an account that somebody works in keeps its own."""
    await store.rename_claim(session, account_id, name)


async def require_three_pl(session: Session, account_id: UUID) -> None:
    """Let a 3PL pass that may add brands.

    Raises:
        Refused: `three_pl_only`, `plan_required`.
    """
    account = await store.get_account(session, account_id)
    if account is None or account.kind != "three_pl":
        raise Refused("three_pl_only")
    plans.require_connections(account.plan)


async def change_plan(session: Session, account_id: UUID, plan: Plan, traceparent: str) -> Account:
    """The account on its new plan.

    Raises:
        Refused: `not_found`.
    """
    if not await store.set_plan(session, account_id, plan):
        raise Refused("not_found", what="account")
    return await announce(session, account_id, traceparent)


async def count_active(session: Session, account_id: UUID) -> int:
    """How many connections of a 3PL are switched on."""
    return await store.count_active(session, account_id)


async def touch(session: Session, account_id: UUID) -> int:
    """The next version of the account, which is the caller's to announce."""
    return (await store.touch_account(session, account_id)).version


async def announce(session: Session, account_id: UUID, traceparent: str) -> Account:
    """The next version of the account, with all who may act in it, for every service."""
    account = await store.touch_account(session, account_id)
    members = await store.list_members(session, account_id)
    machines = await store.list_machines(session, account_id)
    ended = await store.list_ended_sessions(session, account_id, _TOKENS_LIVE)
    message = messages.account_changed(account, members, machines, ended, traceparent)
    await outbox.write(session, [message])
    return account


async def get_account(session: Session, account_id: UUID) -> Account | None:
    """The account."""
    return await store.get_account(session, account_id)
