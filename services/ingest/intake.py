"""Durable before answered: onto the log, or into the spool, or not accepted at all.

While Kafka does not answer, orders go straight to the spool (the outbox of this schema, drained by
its relay); one request now and then tries Kafka again. A message may end up in both: routing is
idempotent.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import structlog

from services.ingest.credentials import Store
from services.ingest.platforms import PlatformOrder
from shared.contracts.orders_received import CLOCK_TOLERANCE, SPOOLED, OrderReceived
from shared.failures import Refused, Transient
from shared.kafka.cloudevents import cloud_event_headers
from shared.kafka.message import Message, MessageRefused, Send
from shared.kafka.topics import MAX_MESSAGE_BYTES, ORDERS_RECEIVED
from shared.postgres import outbox
from shared.postgres.database import Database
from shared.telemetry import ORDERS_ACCEPTED

logger = structlog.get_logger(__name__)

Spool = Callable[[Sequence[Message]], Awaitable[None]]


def spool_of(database: Database) -> Spool:
    """Ingest's own outbox: where orders wait while Kafka is away."""

    async def spool(messages: Sequence[Message]) -> None:
        async with database.transaction() as session:
            await outbox.write(session, messages)

    return spool


class Intake:
    """Takes orders durably.

    Args:
        send: to the log, where they belong.
        spool: where they wait while the log is away.
        acknowledge_seconds: how long Kafka may take.
        probe_seconds: how often Kafka is tried while it is away.
    """

    def __init__(
        self, send: Send, spool: Spool, acknowledge_seconds: float, probe_seconds: float
    ) -> None:
        self._send = send
        self._spool = spool
        self._acknowledge_seconds = acknowledge_seconds
        self._probe_seconds = probe_seconds
        self._try_kafka_at = 0.0

    async def accept(
        self, sender: Store, orders: Sequence[PlatformOrder], traceparent: str
    ) -> None:
        """Return when every order is durable.

        Raises:
            Refused: `temporarily_unavailable`, neither Kafka nor Postgres took them;
                `body_too_large`, Kafka never will.
        """
        now = datetime.now(UTC)
        messages = [_message(sender, order, now, traceparent) for order in orders]
        if time.monotonic() >= self._try_kafka_at:
            try:
                async with asyncio.timeout(self._acknowledge_seconds):
                    await self._produce(messages)
            except MessageRefused as error:
                raise Refused("body_too_large", limit=MAX_MESSAGE_BYTES) from error
            except (Transient, TimeoutError) as error:
                # From now on nobody waits for Kafka, but for one request each probe.
                self._try_kafka_at = time.monotonic() + self._probe_seconds
                logger.warning("orders go to the spool", reason=repr(error))
            else:
                self._try_kafka_at = 0.0
                ORDERS_ACCEPTED.labels("log").inc(len(messages))
                return
        await self._to_spool(messages)

    async def _produce(self, messages: Sequence[Message]) -> None:
        if len(messages) == 1:
            await (await self._send(messages[0]))
            return
        waiting: list[Awaitable[object]] = [await self._send(message) for message in messages]
        await asyncio.gather(*waiting)

    async def _to_spool(self, messages: Sequence[Message]) -> None:
        spooled = [replace(one, headers={**one.headers, SPOOLED: "true"}) for one in messages]
        try:
            await self._spool(spooled)
        except Exception as error:
            logger.error("neither Kafka nor Postgres takes orders", reason=repr(error))  # noqa: TRY400  an outage, not a bug
            raise Refused("temporarily_unavailable") from error
        ORDERS_ACCEPTED.labels("spool").inc(len(messages))


def _believed(updated_at: datetime, now: datetime) -> datetime:
    """The source's time, or that of receipt when its clock is too far ahead.

    A message from next year would make everything that comes after it stale, cancellations too.
    """
    return updated_at if updated_at - now <= CLOCK_TOLERANCE else now


def _message(sender: Store, order: PlatformOrder, now: datetime, traceparent: str) -> Message:
    # Every part is validated already; a constructor would check the order a second time.
    received = OrderReceived.model_construct(
        store_id=sender.counts_for,
        brand_id=sender.brand_id,
        external_id=order.external_id,
        action=order.action,
        updated_at=_believed(order.updated_at, now),
        received_at=now,
        order=order.order,
        payment_rules=sender.payment_rules,
    )
    key = received.key
    return Message(
        ORDERS_RECEIVED.name,
        key,
        cloud_event_headers(ORDERS_RECEIVED.event_type, "/relevo/ingest", key, traceparent),
        received.model_dump_json().encode(),
    )
