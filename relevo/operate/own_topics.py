"""What connections says on its compacted topics, read whole, and where the other logs end."""

from dataclasses import dataclass, field
from itertools import chain
from typing import TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import UnknownTopicOrPartitionError

from services.connections.continuing.differences import id_of
from shared.contracts.accounts_changed import AccountChanged
from shared.contracts.connections_changed import ConnectionChanged
from shared.contracts.stores_changed import StoreChanged
from shared.kafka.topics import (
    ACCOUNTS_CHANGED,
    CONNECTIONS_CHANGED,
    MAX_MESSAGE_BYTES,
    STORES_CHANGED,
    TOPICS,
)

_FETCH_MS = 500
_OTHERS = [topic.name for topic in TOPICS if not topic.compacted]
Changed = TypeVar("Changed", AccountChanged, StoreChanged, ConnectionChanged)


@dataclass(slots=True)
class Log:
    """The newest that the three topics say, what of them cannot be read, and the ends of others.

    `ends` are by topic (without a prefix) and partition.
    """

    accounts: list[AccountChanged] = field(default_factory=list)
    stores: list[StoreChanged] = field(default_factory=list)
    connections: list[ConnectionChanged] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)
    ends: dict[tuple[str, int], int] = field(default_factory=dict)


async def read_log(kafka: str, prefix: str) -> Log:
    """All of it, once.

    Raises:
        KafkaError, OSError: no broker answers, or the topics are not there.
    """
    log = Log()
    consumer = AIOKafkaConsumer(
        bootstrap_servers=kafka,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=MAX_MESSAGE_BYTES,
    )
    try:
        await consumer.start()
        ends = await consumer.end_offsets(await _partitions(kafka, prefix, _OTHERS))
        log.ends = {(at.topic.removeprefix(prefix), at.partition): end for at, end in ends.items()}
        told = await _partitions(kafka, prefix, [ACCOUNTS_CHANGED.name])
        log.accounts = await _newest(consumer, told, AccountChanged, log)
        told = await _partitions(kafka, prefix, [STORES_CHANGED.name])
        log.stores = await _newest(consumer, told, StoreChanged, log)
        told = await _partitions(kafka, prefix, [CONNECTIONS_CHANGED.name])
        log.connections = await _newest(consumer, told, ConnectionChanged, log)
    finally:
        await consumer.stop()
    return log


async def _newest(
    consumer: AIOKafkaConsumer, partitions: list[TopicPartition], contract: type[Changed], log: Log
) -> list[Changed]:
    newest: dict[object, Changed] = {}
    consumer.assign(partitions)
    ends = await consumer.end_offsets(partitions)
    while any([await consumer.position(at) < end for at, end in ends.items()]):
        found = await consumer.getmany(timeout_ms=_FETCH_MS)
        for record in chain.from_iterable(found.values()):
            try:
                change = contract.model_validate_json(record.value or b"")
            except ValueError:
                log.unreadable.append(_place(record))
                continue
            older = newest.get(id_of(change))
            if older is None or older.version < change.version:
                newest[id_of(change)] = change
    return list(newest.values())


def _place(record: ConsumerRecord) -> str:
    return f"{record.topic}, partition {record.partition}, offset {record.offset}"


async def _partitions(kafka: str, prefix: str, topics: list[str]) -> list[TopicPartition]:
    admin = AIOKafkaAdminClient(bootstrap_servers=kafka)
    try:
        await admin.start()
        described = await admin.describe_topics([prefix + name for name in topics])
    finally:
        await admin.close()
    found = [
        TopicPartition(topic["topic"], one["partition"])
        for topic in described
        for one in topic["partitions"]
    ]
    missing = {prefix + name for name in topics} - {at.topic for at in found}
    if missing:
        raise UnknownTopicOrPartitionError(f"there is no topic {min(missing)}")
    return found
