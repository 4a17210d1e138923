"""FastStream's router for handlers that take batches of one topic.

    @router.batch_subscriber(ORDERS_RECEIVED, group="routing-orders", parse=read_order)
    async def on_orders_received(orders: Sequence[ReceivedOrder]) -> None: ...

It is a `KafkaRouter`, and each handler a FastStream subscriber: `include_router` puts it on a
broker, `TestKafkaBroker` runs it without one. What differs from FastStream's own is in
`overrides.py`.
"""

import math
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any, Generic

from aiokafka import AIOKafkaConsumer
from faststream import AckPolicy
from faststream.kafka import KafkaRouter
from faststream.kafka.subscriber.usecase import BatchSubscriber

from shared.kafka import overrides
from shared.kafka.batch import BatchHandler, Body, Handle, HandleAt, Park, Parse
from shared.kafka.brake import Brake, BrakeLimits
from shared.kafka.catch_up import CatchUp
from shared.kafka.dead_letters import DeadLetters, LoggedOnly
from shared.kafka.ends import Ends
from shared.kafka.gathering import Fetch, Gathering
from shared.kafka.offsets import KafkaOffsets, Offsets
from shared.kafka.overrides import Records
from shared.kafka.positions import Cursor, Positions, Step
from shared.kafka.topics import Topic

BATCH_RECORDS = 500
_LIMITS = BrakeLimits()
# A fetch that may wait is answered at once when there is this much.
_FETCH_BYTES = 64 * 1024
# A batch is asked again in place this long (well under max.poll.interval.ms, 300 s), then handed
# back to Kafka, which gives it to whoever owns the partition then.
_WAIT_IN_PLACE_SECONDS = 60.0
# How long the partitions of a process that died wait for it; the least that brokers take by default
# (group.min.session.timeout.ms).
_SESSION_MS = 6_000

# Returns when what it waits for is done.
Wait = Callable[[], Awaitable[None]]


class BatchRouter(KafkaRouter):
    """The subscribers of one service.

    Args:
        dead_letters: where records go that can never be handled.
        prefix: put before every topic and group.
        offsets: the port for handled batches; by default each consumer's own `KafkaOffsets`.
        limits: of the brakes, one for each topic.
        cursor: makes the cursor of a consumer that keeps its positions itself.
        ends: tells where logs begin and end; by default each consumer does.
    """

    def __init__(
        self,
        dead_letters: DeadLetters,
        prefix: str = "",
        offsets: Offsets | None = None,
        limits: BrakeLimits = _LIMITS,
        cursor: Callable[..., Cursor] = Cursor,
        ends: Ends | None = None,
    ) -> None:
        super().__init__(prefix=prefix)
        self._group_prefix = prefix
        self._dead_letters = dead_letters
        self._offsets = offsets
        self._limits = limits
        self._cursor = cursor
        self._ends = ends
        self.brakes: dict[str, Brake] = {}
        self.commits: list[KafkaOffsets] = []
        self.catch_ups: list[CatchUp] = []
        self.late: list[Late] = []
        self._whole: list[Reader[Any]] = []

    def brake_of(self, topic: Topic) -> Brake:
        """The brake of what this process reads of the topic."""
        return self.brakes.setdefault(topic.name, Brake(topic.name, self._limits))

    def batch_subscriber(
        self,
        topic: Topic,
        *,
        group: str | None,
        parse: Parse[Body],
        max_records: int = BATCH_RECORDS,
        fetch_max_wait_ms: int = 0,
    ) -> Callable[[Handle[Body]], Handle[Body]]:
        """Declare the decorated function as the handler of `topic`.

        Args:
            topic: which log.
            group: the consumer group; None reads everything from the start in every process and
                commits nothing.
            parse: reads one record; see `BatchHandler`.
            max_records: most records in a batch.
            fetch_max_wait_ms: how long the broker may hold an answer back for more records while
                many come (`shared.kafka.gathering`); 0 for not at all. Fewer, larger batches for
                that much latency.
        """

        def declare(handle: Handle[Body]) -> Handle[Body]:
            # Without a group there is nobody to hand a batch back to.
            wait = _WAIT_IN_PLACE_SECONDS if group else math.inf
            handler = BatchHandler(
                topic, parse, _without_steps(handle), self._dead_letters, wait, self.brake_of(topic)
            )
            self._subscribe({topic.name: [handler]}, group, max_records, fetch_max_wait_ms)
            return handle

        return declare

    def positioned_subscriber(
        self,
        topic: Topic,
        *,
        group: str,
        parse: Parse[Body],
        rows: Positions,
        max_records: int = BATCH_RECORDS,
        fetch_max_wait_ms: int = 0,
        park: Park | None = None,
        after: Sequence[Wait] = (),
    ) -> Callable[[HandleAt[Body]], HandleAt[Body]]:
        """Declare the decorated function as the handler of `topic`, which moves its own positions.

        Args:
            topic: which log.
            group: shares the partitions out; its offsets are for lag monitors alone.
            parse: reads one record; see `BatchHandler`.
            rows: where the positions stand; the handler moves them with what it does.
            max_records: as of `batch_subscriber`.
            fetch_max_wait_ms: as of `batch_subscriber`.
            park: see `BatchHandler`; such a handler judges by `brake_of(topic)`.
            after: awaited one after the other before this process takes partitions at all.
        """

        def declare(handle: HandleAt[Body]) -> HandleAt[Body]:
            def consumer() -> AIOKafkaConsumer | None:
                return subscriber.consumer

            cursor = self._cursor(f"{self._group_prefix}{topic.name}", rows, consumer, self._ends)
            handler = BatchHandler(
                topic,
                parse,
                handle,
                self._dead_letters,
                _WAIT_IN_PLACE_SECONDS,
                self.brake_of(topic),
                park,
                cursor,
            )
            subscriber = self._subscribe(
                {topic.name: [handler]}, group, max_records, fetch_max_wait_ms, cursor
            )
            if after:
                self.late.append(Late(subscriber, overrides.start_by_hand(subscriber), after))
            return handle

        return declare

    def whole_subscriber(
        self, topic: Topic, *, parse: Parse[Body]
    ) -> Callable[[Handle[Body]], Handle[Body]]:
        """Declare the decorated function as a handler of `topic`, a compacted one.

        Each process reads all of it at each start: what is known already has to cost little and to
        change nothing. One consumer reads all such topics (`subscribe_whole`).
        """

        def declare(handle: Handle[Body]) -> Handle[Body]:
            self._whole.append(Reader(topic, parse, handle))
            return handle

        return declare

    def subscribe_whole(self) -> None:
        """Make the consumer of what was declared by `whole_subscriber`."""
        if self._whole:
            self.read_by_all(*self._whole)

    def read_by_all(self, *readers: "Reader[Any]") -> None:
        """One consumer of several compacted topics that every process reads from the start.

        What cannot be read is logged: it stays on its topic, and is tried again at each start.
        """
        handlers: dict[str, list[BatchHandler[Any]]] = {}
        for one in readers:
            handler = BatchHandler(
                one.topic,
                one.parse,
                _without_steps(one.handle),
                LoggedOnly(),
                math.inf,
                self.brake_of(one.topic),
            )
            handlers.setdefault(one.topic.name, []).append(handler)
        self.catch_ups.append(catch_up := CatchUp(self._ends))
        self._subscribe(handlers, None, BATCH_RECORDS, 0, catch_up=catch_up)

    def _subscribe(
        self,
        handlers: Mapping[str, Sequence[BatchHandler[Any]]],
        group: str | None,
        max_records: int,
        fetch_max_wait_ms: int,
        cursor: Cursor | None = None,
        catch_up: CatchUp | None = None,
    ) -> BatchSubscriber:
        def consumer() -> AIOKafkaConsumer | None:
            return subscriber.consumer

        alone = Fetch(1, overrides.POLL_MS)
        commits = KafkaOffsets(consumer, cursor)
        offsets = (self._offsets or commits) if group else None
        subscriber = self.subscriber(
            *handlers,
            batch=True,
            group_id=f"{self._group_prefix}{group}" if group else None,
            auto_offset_reset="earliest",
            # FastStream's default acknowledges before the handler ran.
            ack_policy=AckPolicy.NACK_ON_ERROR if group else AckPolicy.ACK_FIRST,
            session_timeout_ms=_SESSION_MS,
            heartbeat_interval_ms=_SESSION_MS // 3,
            fetch_min_bytes=alone.min_bytes,
            fetch_max_wait_ms=alone.max_wait_ms,
            listener=commits if group else None,
            parser=overrides.parse_without_decoding(consumer, offsets),
            decoder=overrides.decode_nothing,
            no_reply=True,
        )
        gathering = None
        if fetch_max_wait_ms:
            gathering = Gathering(alone, Fetch(_FETCH_BYTES, fetch_max_wait_ms))
        overrides.poll_without_sleeping(subscriber, max_records, catch_up, gathering)

        @subscriber
        async def on_batch(records: Records) -> None:
            for name, of_topic in groupby(records, attrgetter("topic")):
                batch = tuple(of_topic)
                for handler in handlers[name.removeprefix(self._group_prefix)]:
                    await handler(batch)

        if group:
            self.commits.append(commits)
        return subscriber


def _without_steps(handle: Handle[Body]) -> HandleAt[Body]:
    async def work(bodies: Sequence[Body], _: Sequence[Step]) -> None:
        await handle(bodies)

    return work


@dataclass(frozen=True, slots=True)
class Reader(Generic[Body]):
    """A topic with what is done with its records; see `BatchRouter.batch_subscriber`."""

    topic: Topic
    parse: Parse[Body]
    handle: Handle[Body]


@dataclass(frozen=True, slots=True)
class Late:
    """A subscriber that starts only after others are done, and not with its broker."""

    subscriber: BatchSubscriber
    start: Wait
    after: Sequence[Wait]

    @property
    def topics(self) -> str:
        """What it is to read."""
        return ",".join(self.subscriber.topic_names)
