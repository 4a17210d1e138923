"""Claims due deliveries from Postgres: retries, overflow, and what a dead process held.

It looks when something in this process tells that there may be work, and slowly besides.
"""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from uuid import UUID

import structlog

from services.webhooks import store
from services.webhooks.delivery import Delivery, Lease
from services.webhooks.endpoint_queue import LARGEST_CLAIM, ClaimQuota, EndpointQueues
from services.webhooks.endpoints import Endpoints
from services.webhooks.orphans.orphans import Orphans
from services.webhooks.outcome_writer import OutcomeWriter
from services.webhooks.settings import Settings
from shared.failures import is_transient
from shared.postgres.database import Database
from shared.telemetry import (
    DELIVERIES_BACKLOG,
    DELIVERIES_BACKLOG_OLDEST,
    DELIVERIES_IN_FLIGHT,
    DELIVERIES_WAITING,
)

logger = structlog.get_logger(__name__)

_COUNT_MOST = 100_000
_COUNT_EVERY_SECONDS = 15.0
# A retry cannot be due before its row is written, two flushes later at most.
_FLUSHES = 2
_MARGIN_SECONDS = 0.005


class Claimer:
    """Fills the queues of endpoints that have work in Postgres.

    `on_claimed` is called with each endpoint that something was claimed for.

    Args:
        database: webhooks' schema.
        endpoints: whose deliveries may be claimed.
        queues: where they go.
        outcomes: what cannot be kept in order is given back there.
        lease: what is claimed is held by it.
        settings: how often to look.
    """

    def __init__(
        self,
        database: Database,
        endpoints: Endpoints,
        queues: EndpointQueues,
        outcomes: OutcomeWriter,
        lease: Lease,
        settings: Settings,
    ) -> None:
        self._database = database
        self._endpoints = endpoints
        self._queues = queues
        self._outcomes = outcomes
        self._lease = lease
        self._orphans = Orphans(settings.webhooks_orphan_seconds)
        self._poll_seconds = settings.webhooks_poll_seconds
        self._write_seconds = _FLUSHES * settings.webhooks_flush_seconds + _MARGIN_SECONDS
        self._timers: set[asyncio.TimerHandle] = set()
        self._something = asyncio.Event()
        # Endpoints of claims whose answer was lost.
        self._unanswered: set[UUID] = set()
        self._no_claim = asyncio.Event()
        self._no_claim.set()
        self._stopping = False
        self._poll_at = self._count_at = 0.0
        self.on_claimed: Callable[[UUID], None] = lambda _: None

    # --- what tells of work -----------------------------------------------------------------

    def wake(self) -> None:
        """A queue has something to claim."""
        self._something.set()

    def note_stored_work(self, endpoint_ids: Iterable[UUID]) -> None:
        """Postgres may have work for these."""
        for endpoint_id in endpoint_ids:
            self._queues.of(endpoint_id).note_stored_work()
        self.wake()

    def endpoints_changed(self, endpoint_ids: Iterable[UUID]) -> None:
        """Endpoints that may have become known: what waits for them can be claimed."""
        self.note_stored_work(
            endpoint_id
            for endpoint_id in endpoint_ids
            if self._endpoints.get(endpoint_id) is not None
        )

    def expect_retry(self, endpoint_id: UUID, seconds: float) -> None:
        """A retry will be due in `seconds`, perhaps before the next slow look."""
        if seconds >= self._poll_seconds:
            return

        def due() -> None:
            self._timers.discard(timer)
            self.note_stored_work((endpoint_id,))

        loop = asyncio.get_running_loop()
        timer = loop.call_later(seconds + self._write_seconds, due)
        self._timers.add(timer)

    # --- the work ---------------------------------------------------------------------------

    async def run(self) -> None:
        """Claim what is due until stopped; losing Postgres only pauses it."""
        while not self._stopping:
            try:
                async with asyncio.timeout(max(0.0, self._poll_at - time.monotonic())):
                    await self._something.wait()
            except TimeoutError:
                pass
            self._something.clear()
            try:
                await self._poll()
                await self._find_lost()
                await self._claim()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("claiming pauses", reason=str(error))
                await asyncio.sleep(self._poll_seconds)

    def stop(self) -> None:
        """Claim nothing more, and give back what a statement under way still claims."""
        self._stopping = True
        self.wake()
        for timer in self._timers:
            timer.cancel()

    async def idle(self) -> None:
        """Wait until no claim is under way, and what it claimed is kept or given back."""
        await self._no_claim.wait()

    async def _poll(self) -> None:
        """The slow look at everything that nothing in this process tells of."""
        now = time.monotonic()
        if now < self._poll_at:
            return
        self._poll_at = now + self._poll_seconds
        self._tidy(now)
        enabled = await self._endpoints.refresh()
        async with self._database.session() as session:
            if enabled:
                # What came while they were being enabled may have been parked all the same.
                await store.unpark_deliveries(session, enabled)
            await self._orphans.let_go(session)
            busy = await store.endpoints_with_work(session)
            if now >= self._count_at:
                self._count_at = now + _COUNT_EVERY_SECONDS
                backlog = await store.backlog(session, _COUNT_MOST)
                DELIVERIES_BACKLOG.set(backlog.deliveries)
                DELIVERIES_BACKLOG_OLDEST.set(backlog.oldest_seconds)
        await self._endpoints.load(busy)
        await self._note_busy(busy)

    async def _note_busy(self, busy: Sequence[UUID]) -> None:
        disabled, unknown = [], []
        for endpoint_id in busy:
            endpoint = self._endpoints.get(endpoint_id)
            if endpoint is None:
                unknown.append(endpoint_id)
            elif endpoint.is_enabled:
                self._queues.of(endpoint_id).note_stored_work()
            else:
                disabled.append(endpoint_id)
        async with self._database.session() as session:
            if disabled:
                await store.park_deliveries(session, disabled)
            if unknown:
                await store.cancel_deleted(session, unknown)

    def _tidy(self, now: float) -> None:
        waiting = running = 0
        for _, queue in self._queues:
            self._outcomes.release(queue.take_expired(now))
            waiting += queue.waiting
            running += queue.running
        self._queues.forget_idle()
        DELIVERIES_WAITING.set(waiting)
        DELIVERIES_IN_FLIGHT.set(running)

    async def _find_lost(self) -> None:
        """Give back what claims leased whose answer was lost after the commit."""
        if not self._unanswered:
            return
        held = self._held()
        async with self._database.session() as session:
            leased = await store.leased_deliveries(session, list(self._unanswered), self._lease)
        # What came or was written meanwhile was held before or is held now.
        held |= self._held()
        self._outcomes.release_leases([lease for lease in leased if lease[0] not in held])
        self._unanswered.clear()

    def _held(self) -> set[UUID]:
        return self._queues.held() | self._outcomes.held()

    async def _claim(self) -> None:
        """Fill the queues that have work in Postgres, with one statement at a time."""
        # Outcomes that cannot be written may be of the very rows that look abandoned.
        while not self._stopping and self._outcomes.has_capacity and not self._outcomes.is_stuck:
            quotas = self._quotas()
            if not quotas:
                return
            for endpoint_id, quota in quotas.items():
                self._queues.of(endpoint_id).begin_claim(quota)
            self._no_claim.clear()
            try:
                claimed = await self._claim_into(quotas)
            except BaseException:
                for endpoint_id in quotas:
                    self._queues.of(endpoint_id).note_stored_work()
                raise
            finally:
                self._no_claim.set()
            self._end_claim(quotas, claimed)

    def _quotas(self) -> dict[UUID, ClaimQuota]:
        quotas: dict[UUID, ClaimQuota] = {}
        left = LARGEST_CLAIM
        for endpoint_id, queue in self._queues:
            quota = queue.claim_quota()
            if quota is None or left <= 0:
                continue
            endpoint = self._endpoints.get(endpoint_id)
            if endpoint is None or not endpoint.is_enabled:
                queue.forget_stored_work()
                continue
            if endpoint.is_paused:
                continue
            quotas[endpoint_id] = quota
            left -= quota.first_attempts + quota.retries
        return quotas

    async def _claim_into(self, quotas: dict[UUID, ClaimQuota]) -> list[Delivery]:
        """Claim, and hand over to the queues; what was claimed, kept or not."""
        start_before = self._lease.start_before(time.monotonic())
        async with self._database.session() as session:
            self._unanswered.update(quotas)
            claimed = await store.claim_due_deliveries(session, quotas, self._lease, start_before)
            self._unanswered.difference_update(quotas)
        refused = []
        for delivery, has_successors in claimed:
            queue = self._queues.of(delivery.endpoint_id)
            if queue.is_pointless(delivery):
                continue
            if self._stopping or not queue.add(
                delivery, predecessor=None, has_successors=has_successors
            ):
                refused.append(delivery)
        self._outcomes.release(refused)
        return [delivery for delivery, _ in claimed]

    def _end_claim(self, quotas: dict[UUID, ClaimQuota], claimed: Sequence[Delivery]) -> None:
        by_endpoint: defaultdict[UUID, list[Delivery]] = defaultdict(list)
        for delivery in claimed:
            by_endpoint[delivery.endpoint_id].append(delivery)
        for endpoint_id, quota in quotas.items():
            self._queues.of(endpoint_id).end_claim(quota, _got(quota, by_endpoint[endpoint_id]))
            self.on_claimed(endpoint_id)


def _got(quota: ClaimQuota, claimed: Iterable[Delivery]) -> ClaimQuota:
    """What was claimed; a claim that ended for its bytes counts as full."""
    counts, sizes = Counter[bool](), Counter[bool]()
    for delivery in claimed:
        is_retry = delivery.attempts > 0
        counts[is_retry] += 1
        sizes[is_retry] += len(delivery.body)
    return ClaimQuota(
        quota.first_attempts if sizes[False] >= quota.bytes else counts[False],
        quota.retries if sizes[True] >= quota.bytes else counts[True],
    )
