"""The endpoints that this process sends to, secrets opened, kept in step with Postgres."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog

from services.webhooks import store
from services.webhooks.signing import key_of
from services.webhooks.store import StoredEndpoint
from shared.failures import Permanent
from shared.postgres.database import Database
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
# Transactions that commit late.
_OVERLAP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL with the keys that sign for it, newest first."""

    id: UUID
    url: str
    keys: tuple[bytes, ...] = field(repr=False)
    is_enabled: bool


class Endpoints:
    """The endpoints in memory: loaded when first needed, refreshed when another process writes.

    Args:
        database: webhooks' schema.
        sealer: opens signing secrets, sealed for `endpoint:<id>`.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._known: dict[UUID, Endpoint] = {}
        self._refreshed_at = time.monotonic()

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        """The endpoint, if it is in memory."""
        return self._known.get(endpoint_id)

    async def load(self, ids: Iterable[UUID]) -> None:
        """Have those in memory that Postgres knows."""
        missing = [endpoint_id for endpoint_id in ids if endpoint_id not in self._known]
        if missing:
            await self.reload(missing)

    async def reload(self, ids: Sequence[UUID]) -> None:
        """Read them again: this process changed them."""
        async with self._database.session() as session:
            self._keep(await store.endpoints_of_ids(session, ids))

    async def refresh(self) -> list[UUID]:
        """Read again what changed since the last time, of those in memory; all that are enabled."""
        now = time.monotonic()
        since = now - self._refreshed_at + _OVERLAP_SECONDS
        async with self._database.session() as session:
            rows = await store.endpoints_updated(session, since)
        self._keep([row for row in rows if row.id in self._known])
        self._refreshed_at = now
        return [row.id for row in rows if row.is_enabled]

    def forget(self, endpoint_id: UUID) -> None:
        """Let go of it, so that its state is read when it is next needed."""
        self._known.pop(endpoint_id, None)

    def _keep(self, rows: Iterable[StoredEndpoint]) -> None:
        for row in rows:
            try:
                keys = self._keys(row)
            except (Permanent, ValueError) as error:
                # Unsigned is never sent. Its deliveries stay stored until the key is back.
                reason = str(error)
                logger.error("endpoint without usable secret", endpoint=row.id, reason=reason)  # noqa: TRY400  no trace of secrets
                self._known.pop(row.id, None)
                continue
            self._known[row.id] = Endpoint(row.id, row.url, keys, is_enabled=row.is_enabled)

    def _keys(self, row: StoredEndpoint) -> tuple[bytes, ...]:
        """The keys in its sealed secrets.

        Raises:
            Permanent: one was sealed with a key that is not there.
            ValueError: there are none, or one is malformed.
        """
        if not row.sealed_secrets:
            raise ValueError("no signing secret")
        return tuple(
            key_of(self._sealer.open(sealed, f"endpoint:{row.id}")) for sealed in row.sealed_secrets
        )
