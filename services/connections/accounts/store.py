"""What is kept of accounts: one function per named query, each given a session."""

from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.accounts.models import Account
from services.connections.accounts.plans import Plan
from shared.postgres.database import Session, load_queries, row_as
from shared.web.auth import AccountKind

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_account(session: Session, kind: AccountKind, name: str) -> Account:
    """The new account."""
    (row,) = await _queries.insert_account.all(session, id=uuid7(), kind=kind, name=name)
    return row_as(Account, row)


async def get_account(session: Session, account_id: UUID) -> Account | None:
    """The account."""
    row = await _queries.get_account.one(session, id=account_id)
    return row_as(Account, row) if row else None


async def set_plan(session: Session, account_id: UUID, plan: Plan) -> Account | None:
    """The account on its new plan; None when there is none."""
    row = await _queries.set_plan.one(session, id=account_id, plan=plan)
    return row_as(Account, row) if row else None


async def lock_account(session: Session, account_id: UUID) -> None:
    """Lock the account to the end of the transaction."""
    await _queries.lock_account.value(session, id=account_id)
