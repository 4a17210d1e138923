"""What is kept of accounts: one function per named query, each given a session."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from uuid_utils.compat import uuid7

from services.connections.accounts.limits import Limit
from services.connections.accounts.models import Account
from services.connections.accounts.plans import Plan
from shared.postgres.database import Session, load_queries, row_as
from shared.web.auth import AccountKind

_queries = load_queries(Path(__file__).parent / "queries.sql")


async def insert_account(
    session: Session, kind: AccountKind, name: str, email: str, password_hash: str | None
) -> Account | None:
    """The new account; None when the e-mail is taken."""
    row = await _queries.insert_account.one(
        session, id=uuid7(), kind=kind, name=name, email=email, password_hash=password_hash
    )
    return row_as(Account, row) if row else None


async def get_account_by_email(session: Session, email: str) -> Account | None:
    """The account of this e-mail, in any letter case."""
    row = await _queries.get_account_by_email.one(session, email=email)
    return row_as(Account, row) if row else None


async def get_account(session: Session, account_id: UUID) -> Account | None:
    """The account."""
    row = await _queries.get_account.one(session, id=account_id)
    return row_as(Account, row) if row else None


async def set_plan(session: Session, account_id: UUID, plan: Plan) -> Account | None:
    """The account on its new plan; None when there is none."""
    row = await _queries.set_plan.one(session, id=account_id, plan=plan)
    return row_as(Account, row) if row else None


async def set_first_password(session: Session, account_id: UUID, password_hash: str) -> bool:
    """Whether it was set: only the first login does."""
    changed = await _queries.set_first_password.run(
        session, id=account_id, password_hash=password_hash
    )
    return changed == 1


async def count_login_attempt(
    session: Session, limits: Sequence[Limit], period: timedelta
) -> int | None:
    """Count a try for each; the seconds to wait when one of them is over its limit."""
    wait: int | None = await _queries.count_login_attempt.value(
        session,
        subjects=[limit.subject for limit in limits],
        most=[limit.most for limit in limits],
        period=period,
    )
    return wait


async def forget_login_attempts(session: Session, limits: Sequence[Limit]) -> None:
    """Take one try back from each; of the narrowest, the last, all."""
    *wide, narrow = (limit.subject for limit in limits)
    await _queries.forget_login_attempts.run(session, wide=wide, narrow=narrow)
