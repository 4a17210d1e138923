"""What can never be handled goes to `<topic>.dlq`, with the bytes it came in and why."""

from collections.abc import Awaitable
from datetime import UTC, datetime
from typing import Protocol

import structlog
from aiokafka import ConsumerRecord

from shared.kafka.producer import Headers
from shared.kafka.topics import Topic

logger = structlog.get_logger(__name__)
_REASON_CHARACTERS = 1_000


class SendRaw(Protocol):
    """The part of `Producer` that dead letters need."""

    async def send_raw(
        self, topic: str, key: bytes, headers: Headers, value: bytes
    ) -> Awaitable[object]:
        """Produce; see `shared.kafka.producer.Producer.send_raw`."""


class DeadLetters:
    """Where the records go that no handler takes.

    Args:
        producer: what they are sent with.
    """

    def __init__(self, producer: SendRaw) -> None:
        self._producer = producer

    async def send(self, record: ConsumerRecord, topic: Topic, reason: str) -> None:
        """Original headers, key and value, plus why and where from; returns when it is durable.

        Raises:
            Transient: Kafka did not take it; the record is then not handled yet.
        """
        origin = [
            ("dead_letter_reason", reason[:_REASON_CHARACTERS].encode()),
            ("dead_letter_topic", topic.name.encode()),
            ("dead_letter_partition", str(record.partition).encode()),
            ("dead_letter_offset", str(record.offset).encode()),
            ("dead_letter_time", datetime.now(UTC).isoformat().encode()),
        ]
        acknowledged = await self._producer.send_raw(
            topic.dead_letters, record.key or b"", [*record.headers, *origin], record.value or b""
        )
        await acknowledged
        logger.error(
            "dead letter",
            topic=topic.name,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
        )


class LoggedOnly(DeadLetters):
    """For what every process reads: each would keep the record, which is on its topic anyway."""

    def __init__(self) -> None:
        """There is nothing to send with."""

    async def send(self, record: ConsumerRecord, topic: Topic, reason: str) -> None:
        """Say so, and go on."""
        logger.error(
            "record skipped",
            topic=topic.name,
            partition=record.partition,
            offset=record.offset,
            reason=reason,
        )
