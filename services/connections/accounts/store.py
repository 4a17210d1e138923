"""What is kept of accounts: one function per named query, each given a session."""

from datetime import timedelta
from pathlib import Path
from uuid import UUID

import orjson
from uuid_utils.compat import uuid7

from services.connections.accounts.models import Account, ListedAccount
from services.connections.accounts.plans import Plan
from shared.contracts.accounts_changed import AccountKind, EndedSession, Machine, Member
from shared.failures import Refused
from shared.postgres.database import Session, load_queries, row_as

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_account(session: Session, kind: AccountKind, name: str) -> Account:
    """The new account."""
    (row,) = await _queries.insert_account.all(session, id=uuid7(), kind=kind, name=name)
    return row_as(Account, row)


async def get_account(session: Session, account_id: UUID) -> Account | None:
    """The account; None when it was erased."""
    row = await _queries.get_account.one(session, id=account_id)
    return row_as(Account, row) if row else None


async def list_accounts(
    session: Session,
    *,
    kind: AccountKind | None,
    plan: Plan | None,
    text: str | None,
    after: UUID | None,
    limit: int,
) -> list[ListedAccount]:
    """All accounts, newest first; `text`: beginnings of words of the name."""
    rows = await _queries.list_accounts.all(
        session, kind=kind, plan=plan, text=text, after=after, limit=limit
    )
    return [
        row_as(ListedAccount, row, connections=orjson.loads(row["connections"])) for row in rows
    ]


async def count_active(session: Session, account_id: UUID) -> int:
    """How many connections of a 3PL are switched on."""
    return int(await _queries.count_active.value(session, id=account_id))


async def rename_claim(session: Session, account_id: UUID, name: str) -> None:
    """Another name for an account that nobody can act in yet."""
    await _queries.rename_claim.run(session, id=account_id, name=name)


async def set_plan(session: Session, account_id: UUID, plan: Plan) -> bool:
    """Whether there is such an account."""
    changed: UUID | None = await _queries.set_plan.value(session, id=account_id, plan=plan)
    return changed is not None


async def touch_account(session: Session, account_id: UUID) -> Account:
    """The account at its next version.

    Raises:
        Refused: `not_found`: there is none, or it was erased.
    """
    row = await _queries.touch_account.one(session, id=account_id)
    if row is None:
        raise Refused("not_found", what="account")
    return row_as(Account, row)


async def list_members(session: Session, account_id: UUID) -> list[Member]:
    """Who may act in the account."""
    rows = await _queries.list_members.all(session, account_id=account_id)
    return [Member.model_validate(dict(row)) for row in rows]


async def list_machines(session: Session, account_id: UUID) -> list[Machine]:
    """The API clients of the account."""
    rows = await _queries.list_machines.all(session, account_id=account_id)
    return [Machine.model_validate(dict(row)) for row in rows]


async def list_ended_sessions(
    session: Session, account_id: UUID, period: timedelta
) -> list[EndedSession]:
    """The sessions that were ended within `period`."""
    rows = await _queries.list_ended_sessions.all(session, account_id=account_id, period=period)
    return [EndedSession.model_validate(dict(row)) for row in rows]


async def lock_account(session: Session, account_id: UUID) -> None:
    """Lock the account to the end of the transaction."""
    await _queries.lock_account.value(session, id=account_id)
