"""What an operator does about dead letters (`relevo dlq`).

Kafka deletes from the front alone: a dead letter is *replayed* (its record is sent to the topic
that it came from, again and again if need be: handlers bear it), or everything up to it is
*dropped*.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete

from shared.kafka.topics import DEAD_LETTER_BYTES, MAX_MESSAGE_BYTES, TOPICS

_OURS = "dead_letter_"
_FETCH_MS = 1_000


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One dead letter: where it lies, where its record came from, and why.

    `topic` is without the prefix; `offset` is in its dead-letter topic.
    """

    topic: str
    partition: int
    offset: int
    key: str
    reason: str
    failed_at: str
    headers: dict[str, str]
    value: bytes


class DeadLetterDesk:
    """The dead letters of an installation.

    Args:
        kafka: bootstrap servers.
        prefix: put before every topic.
    """

    def __init__(self, kafka: str, prefix: str = "") -> None:
        self._kafka = kafka
        self._prefix = prefix

    async def letters(self, topics: Iterable[str] = ()) -> list[DeadLetter]:
        """Every dead letter of the topics (all of them when none is named), oldest first.

        Raises:
            KafkaError, OSError: no broker answers.
        """
        wanted = set(topics) or {topic.name for topic in TOPICS}
        names = [self._prefix + topic.dead_letters for topic in TOPICS if topic.name in wanted]
        found: list[DeadLetter] = []
        async with self._consumer(names) as consumer:
            if not consumer.assignment():
                return []
            ends = await consumer.end_offsets(consumer.assignment())
            while not await _is_read(consumer, ends):
                for records in (await consumer.getmany(timeout_ms=_FETCH_MS)).values():
                    found += [self._letter(record) for record in records]
        return sorted(found, key=lambda letter: (letter.failed_at, letter.topic, letter.offset))

    async def replay(self, letters: Iterable[DeadLetter]) -> int:
        """Send their records again to where they came from; how many.

        Raises:
            KafkaError, OSError: not all were acknowledged; those that were come twice next time.
        """
        producer = AIOKafkaProducer(
            bootstrap_servers=self._kafka,
            acks="all",
            enable_idempotence=True,
            max_request_size=MAX_MESSAGE_BYTES + DEAD_LETTER_BYTES,
        )
        count = 0
        try:
            await producer.start()
            for letter in letters:
                headers = [(name, value.encode()) for name, value in letter.headers.items()]
                await producer.send_and_wait(
                    self._prefix + letter.topic,
                    value=letter.value,
                    key=letter.key.encode(),
                    headers=headers,
                )
                count += 1
        finally:
            await producer.stop()
        return count

    async def drop_through(self, topic: str, partition: int, offset: int) -> None:
        """Delete the dead letters of a partition up to this one, it included.

        Raises:
            KafkaError, OSError: nothing was deleted.
        """
        at = TopicPartition(f"{self._prefix}{topic}.dlq", partition)
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await admin.start()
            await admin.delete_records({at: RecordsToDelete(before_offset=offset + 1)})
        finally:
            await admin.close()

    @asynccontextmanager
    async def _consumer(self, names: Sequence[str]) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self._kafka,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            max_partition_fetch_bytes=MAX_MESSAGE_BYTES + DEAD_LETTER_BYTES,
        )
        # What did not start has to be stopped all the same.
        try:
            await consumer.start()
            consumer.assign(await self._partitions(names))
            yield consumer
        finally:
            await consumer.stop()

    async def _partitions(self, names: Sequence[str]) -> list[TopicPartition]:
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        try:
            await admin.start()
            described = await admin.describe_topics(list(names))
        finally:
            await admin.close()
        return [
            TopicPartition(topic["topic"], partition["partition"])
            for topic in described
            for partition in topic["partitions"]
        ]

    def _letter(self, record: ConsumerRecord) -> DeadLetter:
        headers = {name: (value or b"").decode(errors="replace") for name, value in record.headers}
        origin = record.topic.removeprefix(self._prefix).removesuffix(".dlq")
        return DeadLetter(
            topic=headers.get(f"{_OURS}topic", origin),
            partition=record.partition,
            offset=record.offset,
            key=(record.key or b"").decode(errors="replace"),
            reason=headers.get(f"{_OURS}reason", ""),
            failed_at=headers.get(f"{_OURS}time", ""),
            headers={name: text for name, text in headers.items() if not name.startswith(_OURS)},
            value=record.value or b"",
        )


async def _is_read(consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> bool:
    """Whether nothing is left of what was there when reading began."""
    for at, end in ends.items():
        if await consumer.position(at) < end:
            return False
    return True
