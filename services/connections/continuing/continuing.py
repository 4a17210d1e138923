"""Goes on above the log: what the database has lost of connections' own words is taken over.

After a restore the log has versions that the database would give out a second time: what it says
then would be ignored as old, a switch-off too. At an ordinary start nothing is newer on the log.
"""

from collections.abc import Sequence
from uuid import UUID

import structlog

from services.connections.connection import transitions
from services.connections.continuing import store
from services.connections.continuing.differences import Differences
from services.connections.erasure import erasing
from services.connections.signing_keys import rotating
from services.connections.signing_keys.keyring import Keyring
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged, ConnectionEndpoint
from shared.contracts.signing_keys_changed import SigningKeysChanged
from shared.contracts.stores_changed import StoreChanged
from shared.egress.sealed_url import open_url
from shared.failures import Permanent, Refused
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.telemetry import traceparent_of
from shared.web.key_sets import KeySet

logger = structlog.get_logger(__name__)


class Continuing:
    """One process's: it hears its topics whole, then takes over what was lost, and is done.

    Args:
        database: connections' schema.
        keyring: has the key that vouches for all others.
        sealer: of URLs and signing keys.
    """

    def __init__(self, database: Database, keyring: Keyring, sealer: Sealer) -> None:
        self._database = database
        self._keyring = keyring
        self._sealer = sealer
        self._found = Differences()
        self._keys: KeySet | None = None
        self._is_done = False

    async def hear_accounts(self, changes: Sequence[AccountChanged]) -> None:
        """Keep what is newer than the database, until it was taken over."""
        if self._is_done:
            return
        async with self._database.session() as session:
            ids = {one.account_id for one in changes}
            known, erased = await store.versions_of_accounts(session, ids)
        self._found.accounts.add(changes, known)
        self._found.erased |= {
            one.account_id
            for one in changes
            if one.erased and one.account_id in known.keys() - erased
        }

    async def hear_stores(self, changes: Sequence[StoreChanged]) -> None:
        """The same of stores."""
        if self._is_done:
            return
        async with self._database.session() as session:
            known = await store.versions_of_stores(session, {one.store_id for one in changes})
        self._found.stores.add(changes, known)

    async def hear_connections(self, changes: Sequence[ConnectionChanged]) -> None:
        """The same of connections."""
        if self._is_done:
            return
        async with self._database.session() as session:
            ids = {one.connection_id for one in changes}
            known = await store.versions_of_connections(session, ids)
        self._found.connections.add(changes, known)

    def hear_keys(self, changes: Sequence[SigningKeysChanged]) -> None:
        """The newest keys; an announcement that our own key has not signed is nobody's."""
        for change in changes:
            try:
                told = self._keyring.read(change.signed_jwks)
            except ValueError:
                continue
            if self._keys is None or self._keys.version < told.version:
                self._keys = told

    async def run(self) -> None:
        """Return when the database stands where the log does.

        Raises:
            Exception: Postgres is away; another call goes on where this one was.
        """
        if self._found.is_behind():
            await self._take_over()
        for account_id in sorted(self._found.erased):
            await self._erase(account_id)
        if self._keys is not None and await rotating.go_on_above(
            self._database, self._keyring, self._sealer, self._keys
        ):
            logger.warning("the log knew other signing keys: its versions go on above them")
        await self._keyring.refresh()
        self._tell_lost()
        self._is_done, self._found = True, Differences()

    def missing(self) -> str:
        """What it does, for readiness."""
        return "what the log has and the database has lost"

    async def _take_over(self) -> None:
        found = self._found
        digests = {
            endpoint.id: self._digest(one.connection_id, endpoint)
            for one in found.connections.behind.values()
            for endpoint in one.endpoints
        }
        async with self._database.transaction() as session:
            await store.take_turn(session)
            accounts = await store.take_accounts(session, found.accounts.behind)
            stores = await store.take_stores(session, found.stores.behind)
            connections = await store.take_connections(session, found.connections.behind, digests)
            await store.take_credentials(session, stores)
            await transitions.rename(session, connections)
        logger.warning(
            "the log knew more than the database: it was taken over",
            accounts=accounts, stores=len(stores), connections=len(connections),
        )  # fmt: skip

    def _digest(self, connection_id: UUID, endpoint: ConnectionEndpoint) -> str:
        """What the URL is found by; of one that leads nowhere, or cannot be opened, its id."""
        try:
            url = open_url(endpoint.sealed_url, endpoint.url, endpoint.id, self._sealer)
        except Permanent:
            logger.exception("a URL on the log cannot be opened", endpoint=str(endpoint.id))
            return str(endpoint.id)
        if url == erasing.NOWHERE:
            return str(endpoint.id)
        return self._sealer.digest(url, str(connection_id))

    async def _erase(self, account_id: UUID) -> None:
        try:
            async with self._database.transaction() as session:
                await erasing.erase(session, self._sealer, account_id, traceparent_of({}))
        except Refused as error:
            logger.exception(
                "an account is erased on the log and cannot be here: `relevo accounts erase`",
                account=str(account_id), reason=error.code,
            )  # fmt: skip
        else:
            logger.warning("an account that the log says is erased was again", id=str(account_id))

    def _tell_lost(self) -> None:
        accounts, stores = self._found.lost_accounts(), self._found.lost_stores()
        connections = self._found.lost_connections()
        if accounts or stores or connections:
            logger.error(
                "the log knows what the database does not: `relevo verify restore` lists it",
                accounts=len(accounts), stores=len(stores), connections=len(connections),
            )  # fmt: skip
