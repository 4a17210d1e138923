"""The shipping rules that count now, for whoever chooses a carrier by them."""

from collections.abc import Iterable
from uuid import UUID

from services.fulfilment.shipping_rules import store
from services.fulfilment.shipping_rules.version import NONE, Version
from shared.postgres.database import Session


async def newest_rules(session: Session, accounts: Iterable[UUID]) -> dict[UUID, Version]:
    """The newest version of each of the accounts; who has none ships by a system of its own."""
    wanted = set(accounts)
    found = await store.newest_of(session, wanted) if wanted else {}
    return {account: found.get(account, NONE) for account in wanted}
