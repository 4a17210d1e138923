"""Keys that a 3PL made before the brand accepted: the brand adopts them by name, or they die."""

from collections.abc import Collection
from uuid import UUID

from services.connections.callers import Caller
from services.connections.stores import registry, store
from shared.failures import Refused
from shared.postgres.database import Session


async def accept_keys(
    session: Session,
    store_id: UUID,
    adopted: Collection[UUID],
    caller: Caller,
    *,
    announces: bool,
) -> None:
    """The brand accepts: `adopted` are its own from now on, others that a 3PL made are revoked.

    Args:
        session: in a transaction that holds the store's lock.
        store_id: whose keys.
        adopted: credentials by id.
        caller: the brand.
        announces: also when no key was touched.

    Raises:
        Refused: `not_found`: one of `adopted` is no valid credential that a 3PL made.
    """
    settled = await store.settle_claimed_credentials(
        session, store_id, caller.account_id, list(adopted)
    )
    if not set(adopted) <= settled:
        raise Refused("not_found", what="credential")
    if settled or announces:
        await registry.announce(session, store_id, caller)


async def drop_keys(session: Session, store_id: UUID, three_pl_id: UUID, caller: Caller) -> None:
    """A connection ends that was never accepted: what its 3PL made for it is revoked."""
    if await store.revoke_credentials_of(session, store_id, three_pl_id, caller.account_id):
        await registry.announce(session, store_id, caller)
