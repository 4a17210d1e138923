"""Kafka without Kafka: a router for FastStream's test broker, with what it acknowledged.

FastStream's own acknowledging would start a task that dies on the test broker's consumer; here
handled batches go to a port that counts.
"""

from collections.abc import Awaitable, Iterable, Sequence
from dataclasses import replace

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.kafka.dead_letters import DeadLetters
from shared.kafka.positions import Cursor, Position
from shared.kafka.producer import Headers
from shared.kafka.subscriber import BatchRouter


class FakeKafka:
    """One process's connection to a Kafka that is not there."""

    def __init__(self, prefix: str = "") -> None:
        self.broker = KafkaBroker(
            "nowhere:1", apply_types=False, ack_policy=AckPolicy.NACK_ON_ERROR, logger=None
        )
        self.router = BatchRouter(
            DeadLetters(self), prefix, offsets=_Offsets(self), cursor=_AnyPlace
        )
        self.broker.include_router(self.router)
        self.handled = 0
        # Topic and reason of each.
        self.dead_letters: list[tuple[str, str]] = []

    async def send_raw(
        self, topic: str, key: bytes, headers: Headers, value: bytes
    ) -> Awaitable[object]:
        """As `Producer.send_raw`; only dead letters are sent by it."""
        assert isinstance(key, bytes)
        assert isinstance(value, bytes)
        kept = dict(headers)
        self.dead_letters.append(
            (kept["dead_letter_topic"].decode(), kept["dead_letter_reason"].decode())
        )
        assert topic == f"{kept['dead_letter_topic'].decode()}.dlq"
        return _acknowledged()


async def _acknowledged() -> None:
    """The broker has it."""


class _Offsets:
    def __init__(self, kafka: FakeKafka) -> None:
        self._kafka = kafka

    def handled(self, records: Sequence[ConsumerRecord]) -> None:
        self._kafka.handled += len(records)


class _AnyPlace(Cursor):
    """Takes what comes as what is due: for the test broker each batch begins at offset 0."""

    _next = 0

    async def admit(self, records: Sequence[ConsumerRecord]) -> list[ConsumerRecord]:
        placed = []
        for record in records:
            self._at.setdefault(record.partition, Position(0))
            placed.append(replace(record, offset=self._next))
            self._next += 1
        return placed

    async def settle(self, records: Iterable[ConsumerRecord]) -> None:
        """There are no rows."""
