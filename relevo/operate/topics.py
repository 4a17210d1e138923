"""The topics of an installation: `shared.kafka.topics.create_topics`, once Kafka is there."""

from collections.abc import Callable

from aiokafka.errors import KafkaError, KafkaTimeoutError

from relevo.operate.patience import Patience
from shared.kafka.topics import create_topics


async def create(
    kafka: str,
    prefix: str = "",
    partitions: int = 12,
    replication: int = 1,
    wait_seconds: float = 60.0,
    say: Callable[[str], None] = lambda _: None,
) -> list[str]:
    """Create the topics that are missing; the names created.

    Args:
        kafka: bootstrap servers.
        prefix: put before every name.
        partitions: of each topic.
        replication: copies of each record; 3 on a cluster of three.
        wait_seconds: how long to wait for Kafka to come up.
        say: called with a sentence, about once a second, while it waits.

    Raises:
        KafkaError: no broker in time, or it refused a topic.
    """
    patience = Patience(f"Kafka at {kafka}", wait_seconds, say)
    while True:
        try:
            return await create_topics(kafka, prefix, partitions, replication)
        except (KafkaError, OSError) as error:
            away = isinstance(error, OSError | KafkaTimeoutError) or error.retriable
            if not away:
                raise
            await patience.bear(error)
