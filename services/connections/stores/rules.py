"""What a store says about its orders: whether unpaid ones wait."""

from uuid import UUID

from services.connections.callers import Caller
from services.connections.stores import registry, store
from services.connections.stores.models import Store
from shared.contracts.stores_changed import PaymentRules
from shared.failures import Refused
from shared.postgres.database import Session


async def change_payment_rules(
    session: Session, store_id: UUID, rules: PaymentRules, caller: Caller, if_match: int | None
) -> Store:
    """The store with its new rules; they count for orders that come in once ingest has heard.

    Args:
        session: in a transaction.
        store_id: whose.
        rules: all of them.
        caller: who; a store's rules are its brand's.
        if_match: the version that the caller saw.

    Raises:
        Refused: `not_found`, `brand_only`, `version_conflict`.
    """
    access = await registry.lock_visible(session, store_id, caller.account_id)
    if not access.is_brand:
        raise Refused("brand_only")
    if if_match is not None and if_match != access.store.version:
        raise Refused("version_conflict", what="store", version=access.store.version)
    if rules == access.store.payment_rules:
        return access.store
    await store.update_payment_rules(session, access.store.id, rules)
    return await registry.announce_with_aliases(session, access.store.id, caller)
