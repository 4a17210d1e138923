"""Who may send for a store: a projection of `stores.changed`, held in memory.

Every process reads the whole compacted topic from the start; what it saw is kept in Postgres too,
so that a restart while Kafka is away still knows its stores.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.ingest import store
from services.ingest.erasure import eraser
from shared.contracts.stores_changed import PaymentRules, StoreChanged
from shared.failures import Permanent, Refused, is_transient
from shared.kafka.batch import newest_versions
from shared.postgres.database import Database
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
_RETRY_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Store:
    """A store with its rules, and its secrets open: API key digests, platform secrets by kind.

    `alias_of`: the store that its orders count for, once a brand that had the shop already accepted
    a 3PL's claim; it still proves itself by its own id and credentials.
    """

    id: UUID
    brand_id: UUID
    version: int
    alias_of: UUID | None = None
    payment_rules: PaymentRules = field(default_factory=PaymentRules)
    api_key_digests: tuple[str, ...] = ()
    secrets: dict[str, tuple[bytes, ...]] = field(default_factory=dict)

    @property
    def counts_for(self) -> UUID:
        """The store whose orders it sends."""
        return self.alias_of or self.id

    def accepts_key(self, key: str) -> bool:
        """Whether the API key is one of the store's; in constant time."""
        digest = hashlib.sha256(key.encode()).hexdigest()
        # No short cut: every digest is compared.
        return any(hmac.compare_digest(digest, known) for known in self.api_key_digests)


class Stores:
    """The stores this process knows.

    Args:
        database: ingest's schema, where the projection is kept.
        sealer: opens the platform secrets.
        is_complete: whether all that is said of stores was read.
    """

    def __init__(self, database: Database, sealer: Sealer, is_complete: Callable[[], bool]) -> None:
        self._database = database
        self._sealer = sealer
        self._is_complete = is_complete
        self._stores: dict[UUID, Store] = {}
        self._loaded = False

    def get(self, store_id: UUID) -> Store:
        """The store.

        Raises:
            Refused: `not_found`; `temporarily_unavailable` as long as it may be in what is still to
                be read.
        """
        found = self._stores.get(store_id)
        if found is not None:
            return found
        if not self._is_complete():
            raise Refused("temporarily_unavailable")
        raise Refused("not_found", what="store")

    async def load(self) -> None:
        """Load what was kept; waits for Postgres, then endlessly (background work)."""
        while not self._loaded:
            try:
                async with self._database.session() as session:
                    self._take(await store.list_stores(session))
                self._loaded = True
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("stores wait for the database", reason=str(error))
                await asyncio.sleep(_RETRY_SECONDS)
        await asyncio.Event().wait()

    async def apply(self, changes: Sequence[StoreChanged]) -> None:
        """Take newer states into memory, then keep them; of moved ones, the quarantine too."""
        newest = list(newest_versions(changes, key=lambda change: change.store_id).values())
        self._take(newest)
        # A look without locks: each process reads all of it at each start, and most is kept.
        async with self._database.session() as session:
            newer = await store.newer_stores(session, newest)
        if not newer:
            return
        async with self._database.transaction() as session:
            kept = await store.keep_stores(
                session, [one for one in newest if one.store_id in newer]
            )
            moved = [one for one in newest if one.store_id in kept and one.former_brand_id]
            if moved:
                await store.move_quarantine(session, moved)
                await eraser.drop_moved(session, {change.brand_id for change in moved})

    async def check(self) -> str | None:
        """Readiness: was what was kept loaded?"""
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
        return Store(
            id=change.store_id,
            brand_id=change.brand_id,
            version=change.version,
            alias_of=change.alias_of,
            payment_rules=change.payment_rules,
            api_key_digests=tuple(digests),
            secrets=secrets,
        )
