"""Which 3PLs a brand has blocked: what other slices and the API ask of it."""

from uuid import UUID

from services.connections.accounts import registry as accounts
from services.connections.blocks import store
from shared.contracts.accounts_changed import AccountKind
from shared.failures import Refused
from shared.postgres.database import Session


async def block(session: Session, account_id: UUID, three_pl_id: UUID) -> None:
    """No more mails and no new connections of this 3PL; those that are there stay.

    Raises:
        Refused: `not_found`: there is no such 3PL, or the account is no brand.
    """
    # An acceptance that is under way is either done, or finds the block.
    await accounts.lock_account(session, account_id)
    await _require(session, account_id, "brand")
    await _require(session, three_pl_id, "three_pl")
    await store.insert_block(session, account_id, three_pl_id)


async def unblock(session: Session, account_id: UUID, three_pl_id: UUID) -> None:
    """It may ask again.

    Raises:
        Refused: `not_found`: the account is no brand.
    """
    await _require(session, account_id, "brand")
    await store.delete_block(session, account_id, three_pl_id)


async def require_welcome(session: Session, account_id: UUID, three_pl_id: UUID) -> None:
    """Let a 3PL pass that the account, which the caller holds, has not blocked.

    Raises:
        Refused: `three_pl_blocked`.
    """
    if await store.is_blocked(session, account_id, three_pl_id):
        raise Refused("three_pl_blocked")


async def is_unwanted(session: Session, email: str, three_pl_id: UUID) -> bool:
    """Whether this 3PL's mails to an address are not to be sent."""
    return await store.is_unwanted(session, email, three_pl_id)


async def _require(session: Session, account_id: UUID, kind: AccountKind) -> None:
    account = await accounts.get_account(session, account_id)
    if account is None or account.kind != kind:
        raise Refused("not_found", what="3PL")
