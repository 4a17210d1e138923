"""Which accounts there are: what other slices and the API ask of them."""

from uuid import UUID

from services.connections.accounts import plans, store
from services.connections.accounts.models import Account
from services.connections.accounts.plans import Plan
from shared.failures import Refused
from shared.postgres.database import Session
from shared.web.auth import AccountKind


async def add_account(
    session: Session, kind: AccountKind, name: str, email: str, password_hash: str
) -> Account:
    """The new account.

    Raises:
        Refused: `email_taken`.
    """
    account = await store.insert_account(session, kind, name, email, password_hash)
    if account is None:
        raise Refused("email_taken")
    return account


async def ensure_brand(session: Session, name: str, email: str) -> Account:
    """The brand account of an e-mail, made without a password when there is none.

    Raises:
        Refused: `email_taken`: the account of this e-mail is no brand.
    """
    account = await store.insert_account(
        session, "brand", name, email, None
    ) or await store.get_account_by_email(session, email)
    if account is None or account.kind != "brand":
        raise Refused("email_taken")
    return account


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


async def set_first_password(session: Session, account_id: UUID, password_hash: str) -> bool:
    """Whether it was set: not when somebody set one before."""
    return await store.set_first_password(session, account_id, password_hash)
