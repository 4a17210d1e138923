"""Stores that a brand adds by itself."""

from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.callers import Caller
from services.connections.stores import registry
from services.connections.stores.models import Store
from shared.failures import Refused
from shared.postgres.database import Session


async def add_store(session: Session, platform: str, domain: str, caller: Caller) -> Store:
    """The brand's store at the domain, made when it has none.

    Raises:
        Refused: `brand_only`.
    """
    await accounts.lock_account(session, caller.account_id)
    await require_brand(session, caller.account_id)
    found = await registry.find_store(session, caller.account_id, platform, domain)
    return found or await registry.add_store(session, caller.account_id, platform, domain, caller)


async def require_brand(session: Session, account_id: UUID) -> None:
    """Let a brand pass.

    Raises:
        Refused: `brand_only`.
    """
    account = await accounts.get_account(session, account_id)
    if account is None or account.kind != "brand":
        raise Refused("brand_only")
