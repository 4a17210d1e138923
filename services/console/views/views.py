"""A person's saved views in an account."""

from collections.abc import Sequence
from uuid import UUID

from services.console.browser.signed_in import SignedIn
from services.console.views import store
from services.console.views.store import View
from shared.postgres.database import Database

MOST = 30


class Views:
    """Those of everybody.

    Args:
        database: the console's.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of(self, me: SignedIn) -> Sequence[View]:
        """The reader's own; in somebody else's name there are none."""
        if me.acting is not None:
            return ()
        async with self._database.session() as session:
            return await store.views_of(session, me.account.id, me.person_id)

    async def keep(self, me: SignedIn, name: str, query: str) -> bool:
        """Keep one, over an older one of the same name; False when there are too many."""
        async with self._database.session() as session:
            return await store.keep(session, me.account.id, me.person_id, name, query, MOST)

    async def remove(self, me: SignedIn, id_: UUID) -> None:
        """Forget one, if it is the reader's."""
        async with self._database.session() as session:
            await store.delete(session, me.account.id, me.person_id, id_)
