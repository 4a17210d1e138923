"""The topics of an installation: `shared.kafka.topics.create_topics`, once Kafka is there."""

import asyncio
import time

from aiokafka.errors import KafkaError, KafkaTimeoutError

from shared.kafka.topics import create_topics

_PAUSE_SECONDS = 0.2


async def create(
    kafka: str,
    prefix: str = "",
    partitions: int = 12,
    replication: int = 1,
    wait_seconds: float = 60.0,
) -> list[str]:
    """Create the topics that are missing; the names created.

    Args:
        kafka: bootstrap servers.
        prefix: put before every name.
        partitions: of each topic.
        replication: copies of each record; 3 on a cluster of three.
        wait_seconds: how long to wait for Kafka to come up.

    Raises:
        KafkaError: no broker in time, or it refused a topic.
    """
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            return await create_topics(kafka, prefix, partitions, replication)
        except (KafkaError, OSError) as error:
            away = isinstance(error, OSError | KafkaTimeoutError) or error.retriable
            if not away or time.monotonic() > deadline:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
