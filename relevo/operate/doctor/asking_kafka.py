"""What Kafka is asked for `log.py`."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from relevo.operate.doctor import log
from relevo.operate.doctor.finding import Finding
from relevo.operate.doctor.log import Seen
from relevo.operate.doctor.place import Place
from shared.kafka.topics import TOPICS

_WANTED = [name for topic in TOPICS for name in (topic.name, topic.dead_letters)]


@asynccontextmanager
async def reach(place: Place) -> AsyncIterator[AIOKafkaAdminClient]:
    """Somebody to ask.

    Raises:
        KafkaError, OSError, ValueError: no broker answers.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=place.kafka, request_timeout_ms=3_000)
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def topics(admin: AIOKafkaAdminClient, prefix: str) -> Finding:
    """All topics, in two requests."""
    described = await admin.describe_topics([prefix + name for name in _WANTED])
    there = [topic for topic in described if not topic["error_code"]]
    configs = await _configs(admin, [topic["topic"] for topic in there])
    return log.topics(
        {
            topic["topic"].removeprefix(prefix): Seen(
                len(topic["partitions"]),
                len(topic["partitions"][0]["replicas"]),
                configs.get(topic["topic"], {}),
            )
            for topic in there
        }
    )


async def _configs(admin: AIOKafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    if not names:
        return {}
    asked = [ConfigResource(ConfigResourceType.TOPIC, name) for name in names]
    return {
        name: {entry[0]: entry[1] for entry in entries}
        for answer in await admin.describe_configs(asked)
        for _, _, _, name, entries in answer.resources
    }


async def lag(admin: AIOKafkaAdminClient, place: Place) -> list[Finding]:
    """Of each group of ours that has read anything."""
    groups = sorted(
        group for group, _ in await admin.list_consumer_groups() if group.startswith(place.prefix)
    )
    ours = {place.prefix + topic.name for topic in TOPICS}
    offsets = {}
    for group in groups:
        read = await admin.list_consumer_group_offsets(group)
        at = {where: mark.offset for where, mark in read.items() if where.topic in ours}
        if at:
            offsets[group] = at
    ends = await _ends(place.kafka, {at for read in offsets.values() for at in read})
    return log.lag(
        {
            group.removeprefix(place.prefix): sum(
                max(0, ends[at] - offset) for at, offset in read.items()
            )
            for group, read in offsets.items()
        }
    )


async def _ends(kafka: str, partitions: set[TopicPartition]) -> Mapping[TopicPartition, int]:
    if not partitions:  # nobody has read anything
        return {}
    consumer = AIOKafkaConsumer(bootstrap_servers=kafka)
    try:
        await consumer.start()
        ends: Mapping[TopicPartition, int] = await consumer.end_offsets(list(partitions))
        return ends
    finally:
        await consumer.stop()
