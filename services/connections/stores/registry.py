"""Which stores there are: what other slices ask of them."""

from uuid import UUID

from services.connections import messages
from services.connections.callers import Caller
from services.connections.stores import store
from services.connections.stores.models import Store, StoreAccess
from shared.failures import Refused
from shared.postgres import outbox
from shared.postgres.database import Session


async def ensure_store(
    session: Session, brand_id: UUID, platform: str, domain: str, caller: Caller
) -> Store:
    """The brand's store at the domain, made when there is none.

    Raises:
        Refused: `store_taken`: it is another brand's.
    """
    made = await store.insert_store(session, brand_id, platform, domain)
    if made is not None:
        await outbox.write(session, [messages.store_changed(made, [], caller.traceparent)])
        return made
    found = await store.get_store_of_brand(session, brand_id, platform, domain)
    if found is None:
        raise Refused("store_taken")
    return found


async def lock_store(session: Session, store_id: UUID) -> None:
    """Wait for whoever changes the store or one of its connections, and hold them off."""
    await store.lock_store(session, store_id)


async def announce(session: Session, store_id: UUID, caller: Caller) -> None:
    """The store's next version, with all credentials that are valid now, for ingest.

    The caller holds the store's lock.
    """
    touched = await store.touch_store(session, store_id)
    valid = [listed.credential for listed in await store.list_credentials(session, store_id)]
    await outbox.write(session, [messages.store_changed(touched, valid, caller.traceparent)])


async def visible_store(session: Session, store_id: UUID, account_id: UUID) -> StoreAccess:
    """The store, for its brand and the 3PLs with a connection to it that is not over.

    Raises:
        Refused: `not_found` for everybody else.
    """
    access = await store.get_store_access(session, store_id, account_id)
    if access is None:
        raise Refused("not_found", what="store")
    return access
