"""The connection of one process to Kafka: its broker, its producer, and how long they live."""

import asyncio
import time
from collections.abc import Awaitable
from contextlib import suppress

import structlog
from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from shared.kafka.brake import BrakeLimits
from shared.kafka.dead_letters import DeadLetters
from shared.kafka.ends import Ends
from shared.kafka.overrides import finish_batches
from shared.kafka.producer import Producer
from shared.kafka.subscriber import BatchRouter, Late
from shared.settings import Settings
from shared.telemetry import CONSUMER_LAG

logger = structlog.get_logger(__name__)

_RECONNECT_SECONDS = 1.0
_COMMIT_SECONDS = 2.0
_STALE_POLL_MS = 15_000
_LAG_SECONDS = 10.0


class KafkaConnection:
    """Starts and stays up without Kafka: `run` connects when it can, and again after a loss.

    Args:
        settings: `kafka`, `topic_prefix`.
        client_id: names this process in Kafka's own metrics.
    """

    def __init__(self, settings: Settings, client_id: str) -> None:
        self._servers = settings.kafka
        self._prefix = settings.topic_prefix
        # Time is to be left to commit and to leave the group, and for others after Kafka.
        self._stop_seconds = settings.shutdown_seconds / 4
        self._broker_running = False
        self._connected_ms = 0.0
        self._starting: list[asyncio.Task[None]] = []
        self._connecting: set[asyncio.Future[None]] = set()
        self._stopping = False
        self.producer = Producer(settings.kafka, settings.topic_prefix, client_id)
        # Nothing of FastStream's own logger: structlog tells what matters.
        self.broker = KafkaBroker(
            settings.kafka,
            client_id=client_id,
            consumer_only=True,
            allow_auto_create_topics=False,
            ack_policy=AckPolicy.NACK_ON_ERROR,
            apply_types=False,
            graceful_timeout=0,
            logger=None,
        )
        self._ends = Ends(settings.kafka)
        self.router = BatchRouter(
            DeadLetters(self.producer),
            settings.topic_prefix,
            limits=BrakeLimits(settings.brake_run, settings.brake_ratio),
            ends=self._ends,
        )
        self.broker.include_router(self.router)

    async def run(self) -> None:
        """Connect, and again whenever the producer breaks, until cancelled."""
        while True:
            try:
                await self._connect()
            except (KafkaError, OSError, TimeoutError) as error:
                logger.warning("Kafka is away", servers=self._servers, reason=repr(error))
                await asyncio.sleep(_RECONNECT_SECONDS)
                continue
            await self.producer.wait_broken()
            logger.warning("Kafka producer is replaced")
            await self.producer.stop()

    async def _connect(self) -> None:
        await self.producer.start()
        if self._broker_running:
            return
        try:
            await self._uncut(self.broker.start())
        except BaseException:
            await self.broker.stop()
            raise
        if self._stopping:
            return
        self._broker_running = True
        self._connected_ms = time.time() * 1000
        self._starting = [asyncio.create_task(self._start_late(one)) for one in self.router.late]
        logger.info("Kafka connected", servers=self._servers)

    async def _uncut(self, start: Awaitable[None]) -> None:
        """Await a start; `stop` waits for it, whoever is cancelled meanwhile.

        aiokafka does not close the connection of a start that is cut off.
        """
        starting = asyncio.ensure_future(start)
        self._connecting.add(starting)
        starting.add_done_callback(self._connecting.discard)
        await asyncio.shield(starting)

    async def _start_late(self, late: Late) -> None:
        while True:
            try:
                for wait in late.after:
                    await wait()
                await self._uncut(late.start())
            except Exception as error:  # noqa: BLE001  whatever it is: without it nothing is read
                logger.warning("a consumer waits", topics=late.topics, reason=repr(error))
                await late.subscriber.stop()
                await asyncio.sleep(_RECONNECT_SECONDS)
            else:
                return

    async def watch_lag(self) -> None:
        """Tell every so often how far the groups of this process are behind, until cancelled."""
        while True:
            await asyncio.sleep(_LAG_SECONDS)
            with suppress(KafkaError, OSError, TimeoutError):
                await self.measure_lag()

    async def measure_lag(self) -> None:
        """Tell how far the groups of this process are behind."""
        for offsets in self.router.commits:
            for topic, records in (await offsets.behind(self._ends)).items():
                CONSUMER_LAG.labels(topic.removeprefix(self._prefix)).set(records)

    async def caught_up(self) -> None:
        """Return once the compacted topics were read to the ends they had at the start."""
        for catch_up in self.router.catch_ups:
            await catch_up.wait()

    @property
    def is_caught_up(self) -> bool:
        """Whether they were."""
        return all(catch_up.is_complete for catch_up in self.router.catch_ups)

    def unread(self) -> str | None:
        """How much of the compacted topics is still to be read."""
        missing = [said for one in self.router.catch_ups if (said := one.missing())]
        return "; ".join(dict.fromkeys(missing)) or None

    async def stop(self) -> None:
        """Finish and commit the batches under way, stop reading, then flush and stop writing."""
        self._stopping = True
        if connecting := list(self._connecting):
            await asyncio.wait(connecting, timeout=self._stop_seconds)
            for start in connecting:
                start.cancel()
        for task in self._starting:
            task.cancel()
        if self._starting:
            await asyncio.wait(self._starting, timeout=_COMMIT_SECONDS)
        if self._broker_running:
            await finish_batches(self.broker.subscribers, self._stop_seconds)
        for offsets in self.router.commits:
            with suppress(TimeoutError):
                async with asyncio.timeout(_COMMIT_SECONDS):
                    await offsets.stop()
        with suppress(Exception):
            await self.broker.stop()
        with suppress(Exception):
            await self._ends.stop()
        await self.producer.stop()

    async def check_consumers(self) -> str | None:
        """Readiness: does every consumer have its partitions, and did Kafka answer it lately?"""
        for subscriber in self.broker.subscribers:
            consumer: AIOKafkaConsumer | None = getattr(subscriber, "consumer", None)
            names = ",".join(getattr(subscriber, "topic_names", ()))
            braked = [name for name, brake in self.router.brakes.items() if brake.is_on]
            if braked:
                return f"{', '.join(braked)}: too many records fail; see the log"
            if consumer is None or not consumer.assignment():
                return f"{names}: no partitions assigned"
            polled = [consumer.last_poll_timestamp(at) or 0 for at in consumer.assignment()]
            # The first answer of an empty topic takes as long as a fetch may wait.
            age = time.time() * 1000 - max(*polled, self._connected_ms)
            if age > _STALE_POLL_MS:
                return f"{names}: no answer from Kafka for {age / 1000:.0f} s"
        return None
