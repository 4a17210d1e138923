"""Which stores there are: what other slices ask of them."""

from uuid import UUID

from services.connections import messages
from services.connections.callers import Caller
from services.connections.stores import store
from services.connections.stores.models import Store, StoreAccess
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Session


async def add_store(
    session: Session, brand_id: UUID, platform: str, domain: str, caller: Caller
) -> Store:
    """A new store of an account, which the caller holds or has just made."""
    made = await store.insert_store(session, brand_id, platform, domain)
    await outbox.write(session, [messages.store_changed(made, [], caller.traceparent)])
    return made


async def find_store(session: Session, brand_id: UUID, platform: str, domain: str) -> Store | None:
    """The store that a brand has at a domain; the caller holds the account."""
    return await store.get_store_of_brand(session, brand_id, platform, domain)


async def move(session: Session, store_id: UUID, brand_id: UUID, shop: Store | None) -> None:
    """A claim's store joins an account: as a store of its own, or as an alias of the `shop`.

    The caller holds both and announces it.
    """
    await store.move_store(session, store_id, brand_id, shop.id if shop else None)


async def lock_store(session: Session, store_id: UUID) -> None:
    """Wait for whoever changes the store or one of its connections, and hold them off."""
    await store.lock_store(session, store_id)


async def lock_shop(session: Session, platform: str, domain: str) -> None:
    """Wait for whoever proves, accepts or switches on a store of this shop, in any account.

    Taken before the lock of any store.
    """
    await store.lock_shop(session, platform, domain)


async def is_proven_elsewhere(session: Session, brand_id: UUID, platform: str, domain: str) -> bool:
    """Whether another account has proven that the shop is its own; the caller holds the shop."""
    return await store.is_proven_elsewhere(session, brand_id, platform, domain)


async def announce(session: Session, store_id: UUID, caller: Caller) -> Store:
    """The next version of a store or an alias, with the credentials that are valid now for its id.

    The caller holds the store's lock.
    """
    touched = await store.touch_store(session, store_id)
    valid = [listed.credential for listed in await store.list_credentials(session, store_id)]
    await outbox.write(session, [messages.store_changed(touched, valid, caller.traceparent)])
    return touched


async def announce_with_aliases(session: Session, store_id: UUID, caller: Caller) -> Store:
    """The same for the store and for whatever is an alias of it."""
    for alias in await store.list_aliases(session, store_id):
        await announce(session, alias, caller)
    return await announce(session, store_id, caller)


async def visible_store(session: Session, store_id: UUID, account_id: UUID) -> StoreAccess:
    """The store, or the one that this is an alias of.

    For its brand and the 3PLs with a connection to it that is not over.

    Raises:
        Refused: `not_found` for everybody else.
    """
    access = await store.get_store_access(session, store_id, account_id)
    if access is None:
        raise Refused("not_found", what="store")
    return access


async def lock_visible(session: Session, store_id: UUID, account_id: UUID) -> StoreAccess:
    """The store, or the one that this is an alias of, as it is once we hold its lock.

    Raises:
        Refused: `not_found` for strangers.
    """
    access = await visible_store(session, store_id, account_id)
    held = None
    # Who held the lock may have accepted the claim into another store.
    while held != access.store.id:
        held = access.store.id
        await store.lock_store(session, held)
        access = await visible_store(session, store_id, account_id)
    return access
