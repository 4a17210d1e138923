"""The endpoints that this process sends to, secrets opened, kept in step with Postgres."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

import structlog

from services.webhooks import store
from services.webhooks.store import StoredEndpoint
from services.webhooks.subscriptions import Subscriptions
from shared.egress.masking import masked
from shared.egress.sealed_url import open_url
from shared.failures import Permanent
from shared.postgres.database import Database
from shared.sealing import Sealer
from shared.signing import key_of

logger = structlog.get_logger(__name__)
# Transactions that commit late.
_OVERLAP_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A URL, with what may be shown of it, and the keys that sign for it, newest first.

    Before `paused_until` (monotonic seconds) its receiver wants nothing.
    """

    id: UUID
    url: str = field(repr=False)
    keys: tuple[bytes, ...] = field(repr=False)
    is_enabled: bool
    paused_until: float = 0.0
    masked_url: str = ""

    @property
    def is_paused(self) -> bool:
        """Whether its receiver asked to wait."""
        return time.monotonic() < self.paused_until


class Endpoints:
    """The endpoints in memory: loaded when first needed, refreshed when another process writes.

    `subscriptions` are those of brands: all of them, and which events they want.

    Args:
        database: webhooks' schema.
        sealer: opens URLs, and signing secrets sealed for `endpoint:<id>`.
    """

    def __init__(self, database: Database, sealer: Sealer) -> None:
        self._database = database
        self._sealer = sealer
        self._known: dict[UUID, Endpoint] = {}
        # Pauses that Postgres does not know yet.
        self._pauses: dict[UUID, float] = {}
        # Those whose receiver said 410, which Postgres does not know yet.
        self._gone: set[UUID] = set()
        self._refreshed_at = time.monotonic()
        self.subscriptions = Subscriptions()

    def get(self, endpoint_id: UUID) -> Endpoint | None:
        """The endpoint, if it is in memory."""
        return self._known.get(endpoint_id)

    async def load_subscriptions(self) -> None:
        """Know what brands want to be told; before the first event is read."""
        async with self._database.session() as session:
            self.subscriptions.keep(await store.endpoints_of_brands(session))

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
        self._keep([row for row in rows if row.id in self._known or row.brand_id is not None])
        self._refreshed_at = now
        return [row.id for row in rows if row.is_enabled]

    def disable(self, endpoint_id: UUID) -> None:
        """Its receiver is gone; counts at once, and over what Postgres says for now."""
        self._gone.add(endpoint_id)
        endpoint = self._known.get(endpoint_id)
        if endpoint is not None:
            self._known[endpoint_id] = replace(endpoint, is_enabled=False)

    def note_disabled(self, ids: Iterable[UUID]) -> None:
        """Postgres knows that these are gone: from now on what it says counts."""
        for endpoint_id in ids:
            self._gone.discard(endpoint_id)
            self._known.pop(endpoint_id, None)

    def pause(self, endpoint_id: UUID, seconds: float) -> None:
        """Its receiver asked to wait; counts at once, and over what Postgres says for now."""
        until = max(time.monotonic() + seconds, self._pauses.get(endpoint_id, 0.0))
        self._pauses[endpoint_id] = until
        endpoint = self._known.get(endpoint_id)
        if endpoint is not None:
            until = max(until, endpoint.paused_until)
            self._known[endpoint_id] = replace(endpoint, paused_until=until)

    def note_paused(self, ids: Iterable[UUID]) -> None:
        """Postgres knows of these pauses: from now on what it says counts."""
        for endpoint_id in ids:
            self._pauses.pop(endpoint_id, None)

    def forget_pauses(self, ids: Iterable[UUID]) -> None:
        """Nothing is sent to the receivers that asked for them any more."""
        for endpoint_id in ids:
            self._pauses.pop(endpoint_id, None)
            self._gone.discard(endpoint_id)

    def _keep(self, rows: Iterable[StoredEndpoint]) -> None:
        now = time.monotonic()
        rows = list(rows)
        self.subscriptions.keep(rows)
        for row in rows:
            if row.is_gone:
                self._known.pop(row.id, None)
                continue
            try:
                keys = self._keys(row)
                url = open_url(row.sealed_url, row.url, row.target_id, self._sealer)
            except (Permanent, ValueError) as error:
                # Unsigned is never sent. Its deliveries stay stored until the key is back.
                reason = str(error)
                logger.error("endpoint without usable secret", endpoint=row.id, reason=reason)  # noqa: TRY400  no trace of secrets
                self._known.pop(row.id, None)
                continue
            paused_until = max(now + row.paused_seconds, self._pauses.get(row.id, 0.0))
            is_enabled = row.is_enabled and row.id not in self._gone
            self._known[row.id] = Endpoint(row.id, url, keys, is_enabled, paused_until, masked(url))

    def _keys(self, row: StoredEndpoint) -> tuple[bytes, ...]:
        """The keys in its sealed secrets.

        Raises:
            Permanent: one was sealed with a key that is not there.
            ValueError: there are none, or one is malformed.
        """
        if not row.sealed_secrets:
            raise ValueError("no signing secret")
        return tuple(
            key_of(self._sealer.open(sealed, f"endpoint:{row.target_id}"))
            for sealed in row.sealed_secrets
        )
