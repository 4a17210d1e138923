"""Outcomes of attempts on their way to Postgres: gathered, written many at a time, never lost.

While Postgres is away they wait here, and whoever makes more of them has to wait as well. What a
crash takes with it is delivered again when the lease runs out, with the same `webhook-id`.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import structlog

from services.webhooks import store
from services.webhooks.delivery import Attempt, Delivery
from services.webhooks.notices import raising
from shared.failures import is_transient
from shared.postgres.database import Database, Session
from shared.telemetry import ATTEMPTS_UNWRITTEN

logger = structlog.get_logger(__name__)

_MOST_AT_ONCE = 1_000
_LONGEST_PAUSE_SECONDS = 2.0
_DISABLED_REASON = "the receiver answered 410 Gone"


class OutcomeWriter:
    """Writes outcomes and gives leases back.

    `on_written` is called with attempts that are in Postgres now, `on_released` with the endpoints
    (some perhaps more than once) whose leases were given back, `on_paused` with those
    whose pause is in Postgres, `on_disabled` with those that are disabled there.

    Args:
        database: webhooks' schema.
        owner: whose leases.
        flush_seconds: how long outcomes gather.
        limit: outcomes held before `wait_for_capacity` makes callers wait.
    """

    def __init__(
        self, database: Database, owner: UUID, *, flush_seconds: float, limit: int
    ) -> None:
        self._database = database
        self._owner = owner
        self._flush_seconds = flush_seconds
        self._limit = limit
        self._attempts: list[Attempt] = []
        # Delivery and endpoint; their bodies need not stay in memory.
        self._releases: list[tuple[UUID, UUID]] = []
        self._cut_off: set[UUID] = set()
        self._gone: set[UUID] = set()
        self._paused: dict[UUID, datetime] = {}
        self._something = asyncio.Event()
        self._has_capacity = asyncio.Event()
        self._has_capacity.set()
        self._settled = asyncio.Event()
        self._settled.set()
        self.is_stuck = False
        self.on_written: Callable[[Sequence[Attempt]], None] = lambda _: None
        self.on_paused: Callable[[Iterable[UUID]], None] = lambda _: None
        self.on_disabled: Callable[[Iterable[UUID]], None] = lambda _: None
        self.on_released: Callable[[Iterable[UUID]], None] = lambda _: None

    @property
    def has_capacity(self) -> bool:
        """Whether new work may begin."""
        return self._has_capacity.is_set()

    async def wait_for_capacity(self) -> None:
        """Wait until new work may begin."""
        await self._has_capacity.wait()

    async def settled(self) -> None:
        """Wait until everything is written."""
        await self._settled.wait()

    def add(self, attempt: Attempt) -> None:
        """An outcome to be written."""
        self._attempts.append(attempt)
        if attempt.is_gone:
            self._gone.add(attempt.delivery.endpoint_id)
        if attempt.pause:
            self._note_pause(attempt)
        if len(self._attempts) >= self._limit:
            self._has_capacity.clear()
        self._wake()

    def _note_pause(self, attempt: Attempt) -> None:
        endpoint_id = attempt.delivery.endpoint_id
        until = datetime.now(UTC) + timedelta(seconds=attempt.pause)
        self._paused[endpoint_id] = max(until, self._paused.get(endpoint_id, until))

    def release(self, deliveries: Sequence[Delivery], cut_off: Delivery | None = None) -> None:
        """Deliveries for whoever has capacity; none was attempted but the one that was cut off."""
        if cut_off is not None:
            self._cut_off.add(cut_off.id)
        self.release_leases([(delivery.id, delivery.endpoint_id) for delivery in deliveries])

    def release_leases(self, leases: Sequence[tuple[UUID, UUID]]) -> None:
        """Deliveries, each with its endpoint, that may be this process's and were not attempted."""
        if leases:
            self._releases += leases
            self._wake()

    def held(self) -> set[UUID]:
        """The deliveries of which something is yet to be written."""
        attempted = {attempt.delivery.id for attempt in self._attempts}
        return attempted.union(delivery_id for delivery_id, _ in self._releases)

    def _wake(self) -> None:
        self._settled.clear()
        self._something.set()

    async def run(self) -> None:
        """Write until cancelled."""
        pause = self._flush_seconds
        while True:
            await self._something.wait()
            await asyncio.sleep(pause)
            try:
                await self._flush()
            except Exception as error:
                self._keep_for_later(error)
                logger.warning(
                    "outcomes wait",
                    count=len(self._attempts),
                    reason=str(error),
                    exc_info=None if is_transient(error) else error,
                )
                pause = min(max(pause, 0.05) * 2, _LONGEST_PAUSE_SECONDS)
            else:
                pause = self._flush_seconds
                self.is_stuck = False
            ATTEMPTS_UNWRITTEN.set(len(self._attempts))

    def _keep_for_later(self, error: Exception) -> None:
        """Give nothing up: the same rows are written again.

        Safe, because a second write finds its deliveries finished (only the log of attempts may
        repeat).
        """
        self.is_stuck = True
        if not is_transient(error):
            # The only part that others wrote; better the outcome without it than none.
            self._attempts[:] = [replace(attempt, response_head=None) for attempt in self._attempts]

    async def _flush(self) -> None:
        attempts, releases = self._attempts[:_MOST_AT_ONCE], self._releases[:_MOST_AT_ONCE]
        gone, paused = list(self._gone), dict(self._paused)
        async with self._database.session() as session:
            if gone:
                await self._write_with_ends(session, gone, attempts, paused, releases)
                self._note_written(attempts)
                self._note_paused(paused)
            else:
                await self._record(session, attempts)
                self._note_written(attempts)
                # Before the releases: whoever claims them can know of it.
                await store.pause_endpoints(session, paused)
                self._note_paused(paused)
                await self._release(session, releases)
        self._gone.difference_update(gone)
        self.on_disabled(gone)
        self._note_released(releases)
        if not (self._attempts or self._releases or self._gone or self._paused):
            self._something.clear()
            self._settled.set()

    async def _write_with_ends(
        self,
        session: Session,
        gone: Sequence[UUID],
        attempts: Sequence[Attempt],
        paused: Mapping[UUID, datetime],
        releases: Sequence[tuple[UUID, UUID]],
    ) -> None:
        """All of it at once, when an endpoint is gone.

        Nobody sees what is parked there while it still looks enabled, and lets it go on; and nobody
        claims what is released of it.
        """
        async with session.transaction():
            # Before any delivery, as everywhere: another process may be at the same endpoint.
            await store.lock_endpoints(session, gone)
            await self._record(session, attempts)
            await store.pause_endpoints(session, paused)
            # Before the end: what is leased when it is parked counts as perhaps attempted.
            await self._release(session, releases)
            disabled = await store.disable_endpoints(session, gone, _DISABLED_REASON)
            await raising.tell_disabled(session, disabled)

    async def _record(self, session: Session, attempts: Sequence[Attempt]) -> None:
        if attempts:
            async with session.transaction():
                await store.record_attempts(session, attempts, self._owner)
                await raising.tally_exhausted(session, attempts)

    async def _release(self, session: Session, releases: Sequence[tuple[UUID, UUID]]) -> None:
        if releases:
            ids = sorted(delivery_id for delivery_id, _ in releases)
            await store.release_deliveries(session, ids, self._cut_off, self._owner)

    def _note_released(self, releases: Sequence[tuple[UUID, UUID]]) -> None:
        self._cut_off.difference_update(delivery_id for delivery_id, _ in releases)
        del self._releases[: len(releases)]
        if releases:
            self.on_released(endpoint_id for _, endpoint_id in releases)

    def _note_paused(self, paused: Mapping[UUID, datetime]) -> None:
        if not paused:
            return
        for endpoint_id, until in paused.items():
            if self._paused[endpoint_id] == until:
                del self._paused[endpoint_id]
        self.on_paused(paused)

    def _note_written(self, attempts: Sequence[Attempt]) -> None:
        if not attempts:
            return
        del self._attempts[: len(attempts)]
        if len(self._attempts) < self._limit:
            self._has_capacity.set()
        self.on_written(attempts)
