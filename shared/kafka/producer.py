"""The writing half: keyed sends on one idempotent producer, replaced when it breaks."""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    KafkaError,
    MessageSizeTooLargeError,
    ProducerClosed,
    RecordTooLargeError,
)
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from shared.failures import Transient
from shared.kafka.message import Message, MessageRefused
from shared.kafka.topics import DEAD_LETTER_BYTES, MAX_MESSAGE_BYTES

logger = structlog.get_logger(__name__)

Headers = Sequence[tuple[str, bytes]]


class Producer:
    """Produces with `acks=all`, in order per key.

    Args:
        servers: bootstrap servers.
        prefix: put before every topic.
        client_id: names this process in Kafka's own metrics.
    """

    def __init__(self, servers: str, prefix: str, client_id: str) -> None:
        self._servers = servers
        self._prefix = prefix
        self._client_id = client_id
        self._producer: AIOKafkaProducer | None = None
        self._broken = asyncio.Event()

    async def send(self, message: Message) -> Awaitable[object]:
        """Produce one message; the awaitable is done when the brokers have it (`acks=all`).

        Raises:
            MessageRefused: Kafka can never take it (size).
            Transient: not connected, or not acknowledged; it may or may not be on the log.
        """
        headers = [(name, value.encode()) for name, value in message.headers.items()]
        key = message.key.encode()
        # A refusal by the broker would leave a gap in the numbers of an idempotent producer.
        size = DefaultRecordBatchBuilder.estimate_size_in_bytes(key, message.value, headers)
        if size > MAX_MESSAGE_BYTES:
            raise MessageRefused(f"{size} bytes are more than Kafka takes ({MAX_MESSAGE_BYTES})")
        return await self.send_raw(message.topic, key, headers, message.value)

    async def send_raw(
        self, topic: str, key: bytes, headers: Headers, value: bytes
    ) -> Awaitable[object]:
        """As `send`, with key and headers as bytes that need not be text.

        Raises:
            MessageRefused, Transient: as `send`.
        """
        if self._producer is None:
            raise Transient("Kafka is not connected")
        try:
            future = await self._producer.send(
                self._prefix + topic, value=value, key=key, headers=headers
            )
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise MessageRefused(str(error)) from error
        except KafkaError as error:
            self._note(error)
            raise Transient(f"Kafka did not take a message: {error!r}") from error
        return self._acknowledged(future)

    async def _acknowledged(self, future: Awaitable[object]) -> object:
        try:
            return await future
        except (MessageSizeTooLargeError, RecordTooLargeError) as error:
            raise MessageRefused(str(error)) from error
        except KafkaError as error:
            self._note(error)
            raise Transient(f"Kafka did not acknowledge a message: {error!r}") from error

    def _note(self, error: KafkaError) -> None:
        """An idempotent producer that lost its sequence stays broken: make a new one."""
        if isinstance(error, ProducerClosed) or not getattr(error, "retriable", False):
            self._broken.set()

    async def start(self) -> None:
        """Connect, unless connected.

        Raises:
            KafkaError, OSError: no broker answers.
        """
        if self._producer is not None:
            return
        producer = AIOKafkaProducer(
            bootstrap_servers=self._servers,
            client_id=self._client_id,
            acks="all",
            enable_idempotence=True,
            linger_ms=2,
            max_batch_size=256 * 1024,
            max_request_size=MAX_MESSAGE_BYTES + DEAD_LETTER_BYTES,
            request_timeout_ms=30_000,
        )
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._producer = producer

    async def wait_broken(self) -> None:
        """Return when the producer has to be replaced."""
        await self._broken.wait()
        self._broken.clear()

    async def stop(self) -> None:
        """Flush what can be flushed, and disconnect."""
        producer, self._producer = self._producer, None
        if producer is not None:
            with suppress(Exception):
                await producer.stop()

    async def check(self) -> str | None:
        """Readiness: do the brokers answer?"""
        if self._producer is None:
            return "not connected"
        answered = await self._producer.client.force_metadata_update()
        return None if answered else "the brokers do not answer"
