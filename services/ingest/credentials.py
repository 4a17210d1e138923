"""Who may send for a store: a projection of `stores.changed`, held in memory.

Every process reads the whole compacted topic from the start; what it saw is kept in Postgres too,
so that a restart while Kafka is away still knows its stores.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.ingest import store
from shared.bus import Received, Record
from shared.contracts import StoreChanged
from shared.database import Database
from shared.failures import Permanent, is_transient
from shared.problems import Problem, not_found
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Store:
    """A store with its secrets open: API key digests, platform secrets by kind."""

    id: UUID
    brand_id: UUID
    version: int
    api_key_digests: tuple[str, ...] = ()
    secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    def accepts_key(self, key: str) -> bool:
        """Whether the API key is one of the store's; in constant time."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        # No short cut: every digest is compared.
        return any(hmac.compare_digest(digest, each) for each in self.api_key_digests)


def read_store(record: Record) -> StoreChanged:
    """The store in a record.

    Raises:
        ValueError: not a `StoreChanged`.
    """
    return StoreChanged.model_validate_json(record.value)


class Stores:
    """The stores this process knows.

    Args:
        database: ingest's schema, where the projection is kept.
        sealer: opens the platform secrets.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._stores: dict[UUID, Store] = {}
        self._loaded = False

    def get(self, store_id: UUID) -> Store:
        """The store.

        Raises:
            Problem: 404 for an unknown one; 503 as long as nothing was loaded from anywhere.
        """
        found = self._stores.get(store_id)
        if found is not None:
            return found
        if not self._loaded:
            raise Problem(
                503,
                "temporarily_unavailable",
                "Stores are still being loaded; send it again.",
                headers={"Retry-After": "2"},
            )
        raise not_found("store")

    async def load(self) -> None:
        """Load what was kept; waits for Postgres, then for ever (background work)."""
        while not self._loaded:
            try:
                async with self._database.connection() as session:
                    self._take(await store.kept_stores(session))
                self._loaded = True
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("stores wait for the database", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.Event().wait()

    async def on_stores_changed(self, batch: Sequence[Received[StoreChanged]]) -> None:
        """Take newer states into memory, then keep them."""
        newest: dict[UUID, StoreChanged] = {}
        for received in batch:
            change = received.body
            seen = newest.get(change.store_id)
            if seen is None or seen.version < change.version:
                newest[change.store_id] = change
        self._take(newest.values())
        self._loaded = True
        async with self._database.connection() as session:
            await store.keep_stores(session, list(newest.values()))

    async def check(self) -> str | None:
        """Readiness: were stores loaded from anywhere?"""
        return None if self._loaded else "stores are not loaded yet"

    def _take(self, changes: Iterable[StoreChanged]) -> None:
        for change in changes:
            known = self._stores.get(change.store_id)
            if known is None or known.version < change.version:
                self._stores[change.store_id] = self._open(change)

    def _open(self, change: StoreChanged) -> Store:
        digests: list[str] = []
        secrets: dict[str, tuple[bytes, ...]] = {}
        for credential in change.credentials:
            if credential.digest:
                digests.append(credential.digest)
            if credential.sealed_secret:
                try:
                    secret = self._sealer.open(credential.sealed_secret, f"store:{change.store_id}")
                except Permanent as error:
                    # The other credentials still work; this one answers 401 and the log says why.
                    logger.error("credential unusable", id=str(credential.id), reason=error.reason)  # noqa: TRY400  the reason is all there is
                    continue
                kept = secrets.get(credential.kind, ())
                secrets[credential.kind] = (*kept, secret.encode())
        return Store(change.store_id, change.brand_id, change.version, tuple(digests), secrets)
