"""Where logs begin and end, asked on a connection of its own.

A broker answers the requests of one connection in their order. On a consumer's own the question
would wait behind its fetch, which waits for records: up to a second, at each start.
"""

import asyncio
from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaConsumer, TopicPartition


class Ends:
    """Asks the brokers; connects when it is first asked.

    Args:
        servers: bootstrap servers.
    """

    def __init__(self, servers: str) -> None:
        self._servers = servers
        self._asking: AIOKafkaConsumer | None = None
        self._lock = asyncio.Lock()

    async def beginning_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """The offset of the oldest record of each, or of the next one where there is none.

        Raises:
            KafkaError: Kafka is away.
        """
        client = await self._client()
        found: Mapping[TopicPartition, int] = await client.beginning_offsets(list(partitions))
        return found

    async def end_offsets(
        self, partitions: Collection[TopicPartition]
    ) -> Mapping[TopicPartition, int]:
        """The offset behind the newest record of each.

        Raises:
            KafkaError: Kafka is away.
        """
        client = await self._client()
        found: Mapping[TopicPartition, int] = await client.end_offsets(list(partitions))
        return found

    async def _client(self) -> AIOKafkaConsumer:
        async with self._lock:
            if self._asking is None:
                asking = AIOKafkaConsumer(bootstrap_servers=self._servers)
                try:
                    await asking.start()
                except BaseException:
                    await asking.stop()
                    raise
                self._asking = asking
            return self._asking

    async def stop(self) -> None:
        """Disconnect."""
        if self._asking is not None:
            await self._asking.stop()
