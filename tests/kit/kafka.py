"""Kafka without Kafka: a router for FastStream's test broker, with what it acknowledged.

FastStream's own acknowledging would start a task that dies on the test broker's consumer; here
handled batches go to a port that counts.
"""

from collections.abc import Awaitable, Sequence

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.kafka.dead_letters import DeadLetters
from shared.kafka.producer import Headers
from shared.kafka.subscriber import BatchRouter


class FakeKafka:
    """One process's connection to a Kafka that is not there."""

    def __init__(self, prefix: str = "") -> None:
        self.broker = KafkaBroker(
            "nowhere:1", apply_types=False, ack_policy=AckPolicy.NACK_ON_ERROR, logger=None
        )
        self.router = BatchRouter(DeadLetters(self), prefix, offsets=_Offsets(self))
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
