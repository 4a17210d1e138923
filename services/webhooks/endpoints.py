"""The endpoints that this process sends to, secrets opened, kept in step with Postgres."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import asyncpg
import structlog

from services.webhooks import store
from services.webhooks.signing import key_of
from shared.failures import Permanent
from shared.postgres.database import Database
from shared.sealing import Sealer

logger = structlog.get_logger(__name__)
# Transactions that commit late, and polls that came late.
_OVERLAP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL with the keys that sign for it, newest first."""

    id: UUID
    connection_id: UUID
    three_pl_id: UUID
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

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        """The endpoint, if it is in memory."""
        return self._known.get(endpoint_id)

    async def load(self, ids: Iterable[UUID]) -> None:
        """Have those in memory that Postgres knows."""
        missing = [each for each in ids if each not in self._known]
        if missing:
            await self.reload(missing)

    async def reload(self, ids: Sequence[UUID]) -> None:
        """Read them anew: this process changed them."""
        async with self._database.session() as session:
            self._keep(await store.endpoints_of_ids(session, ids))

    async def refresh(self) -> None:
        """Read anew what changed lately, of those in memory."""
        async with self._database.session() as session:
            rows = await store.endpoints_updated(session, _OVERLAP_SECONDS)
        self._keep([row for row in rows if row["id"] in self._known])

    def disable(self, endpoint_id: UUID) -> None:
        """Forget it, so that its state is read anew when it is next needed."""
        self._known.pop(endpoint_id, None)

    def _keep(self, rows: Iterable[asyncpg.Record]) -> None:
        for row in rows:
            try:
                secrets = [
                    self._sealer.open(sealed, f"endpoint:{row['id']}")
                    for sealed in row["sealed_secrets"]
                ]
                keys = _keys(secrets)
            except (Permanent, ValueError) as error:
                # Unsigned is never sent. Its deliveries stay stored until the key is back.
                reason = str(error)
                logger.error("endpoint without usable secret", endpoint=row["id"], reason=reason)  # noqa: TRY400  no trace of secrets
                self._known.pop(row["id"], None)
                continue
            self._known[row["id"]] = Endpoint(
                id=row["id"],
                connection_id=row["connection_id"],
                three_pl_id=row["three_pl_id"],
                url=row["url"],
                keys=keys,
                is_enabled=row["state"] == "enabled",
            )


def _keys(secrets: Sequence[str]) -> tuple[bytes, ...]:
    if not secrets:
        raise ValueError("no signing secret")
    return tuple(key_of(secret) for secret in secrets)
