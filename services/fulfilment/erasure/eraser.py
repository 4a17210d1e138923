"""Erases what fulfilment holds of an account, chunk by chunk, each a transaction."""

from uuid import UUID

from services.fulfilment.erasure import store
from shared.contracts.accounts_changed import AccountKind
from shared.postgres.database import Database

_CHUNK = 1_000
# Each may have 20 files of 10 MB.
_TICKETS = 10


async def erase(database: Database, account_id: UUID, kind: AccountKind) -> None:
    """Return when nothing of it is left but ids, times and states.

    Its shipping rules and carrier accounts, what its tickets said and why charges were given back;
    of a brand, also what its orders, shipments and labels said, and tickets about them. A second
    time changes nothing.
    """
    async with database.transaction() as session:
        await store.forget_rules(session, account_id)
        await store.forget_list_names(session, account_id)
        await store.forget_carrier_accounts(session, account_id)
        await store.delete_idempotency_keys(session, account_id)
    erased = 1
    while erased:
        async with database.transaction() as session:
            erased = await store.forget_reasons(session, account_id, _CHUNK)
    erased = 1
    while erased:
        async with database.transaction() as session:
            erased = await store.forget_tickets(
                session, account_id, _TICKETS, is_brand=kind == "brand"
            )
    of_orders = (store.forget_orders, store.forget_shipments, store.forget_labels)
    for forget in of_orders if kind == "brand" else ():
        erased = 1
        while erased:
            async with database.transaction() as session:
                erased = await forget(session, account_id, _CHUNK)
