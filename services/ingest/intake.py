"""Durable before answered: onto the log, or into the spool, or not accepted at all.

While Kafka does not answer, orders go straight to the spool (the outbox of this schema, drained by
its relay); one request now and then tries Kafka again. A message may end up in both: routing is
idempotent.
"""

import asyncio
import time
from collections.abc import Awaitable, Sequence

import structlog
from prometheus_client import Counter

from shared import outbox
from shared.bus import Bus
from shared.database import Database
from shared.failures import Transient
from shared.outbox import Message, MessageRefused
from shared.problems import Problem

logger = structlog.get_logger(__name__)
ACCEPTED = Counter("relevo_orders_accepted_total", "Orders answered 2xx, by where.", ("where",))
_RETRY_AFTER_SECONDS = 2


class Intake:
    """Takes messages durably.

    Args:
        bus: where they belong.
        database: ingest's schema, for the spool.
        acknowledge_seconds: how long Kafka may take.
        probe_seconds: how often Kafka is tried while it is away.
    """

    def __init__(
        self, bus: Bus, database: Database, acknowledge_seconds: float, probe_seconds: float
    ) -> None:
        self._bus = bus
        self._database = database
        self._acknowledge_seconds = acknowledge_seconds
        self._probe_seconds = probe_seconds
        self._try_kafka_at = 0.0

    async def take(self, messages: Sequence[Message]) -> None:
        """Return when every message is durable.

        Raises:
            Problem: 503, neither Kafka nor Postgres took them; 413, Kafka never will.
        """
        if time.monotonic() >= self._try_kafka_at:
            try:
                async with asyncio.timeout(self._acknowledge_seconds):
                    await self._produce(messages)
            except MessageRefused as error:
                raise Problem(413, "body_too_large", "The order is too large to carry.") from error
            except (Transient, TimeoutError) as error:
                # From now on nobody waits for Kafka, but for one request each probe.
                self._try_kafka_at = time.monotonic() + self._probe_seconds
                logger.warning("orders go to the spool", reason=repr(error))
            else:
                self._try_kafka_at = 0.0
                ACCEPTED.labels("log").inc(len(messages))
                return
        await self._spool(messages)

    async def _produce(self, messages: Sequence[Message]) -> None:
        if len(messages) == 1:
            await (await self._bus.send(messages[0]))
            return
        waiting: list[Awaitable[object]] = [await self._bus.send(each) for each in messages]
        await asyncio.gather(*waiting)

    async def _spool(self, messages: Sequence[Message]) -> None:
        try:
            async with self._database.transaction() as session:
                await outbox.write(session, messages)
        except Exception as error:
            logger.error("neither Kafka nor Postgres takes orders", reason=repr(error))  # noqa: TRY400  an outage, not a bug
            raise Problem(
                503,
                "temporarily_unavailable",
                "The order was not accepted: no durable place is reachable. Send it again.",
                headers={"Retry-After": str(_RETRY_AFTER_SECONDS)},
            ) from error
        ACCEPTED.labels("spool").inc(len(messages))
