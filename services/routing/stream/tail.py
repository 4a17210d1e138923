"""Reads `orders.events` from its end, for as long as somebody listens.

No group and no position is kept: each process reads all of it, and only while it has listeners. Of
a record the headers alone are looked at.
"""

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from itertools import chain
from uuid import UUID

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord
from aiokafka.errors import KafkaError

from services.routing.stream.ring import Entry, Place, Ring
from services.routing.stream.told import Told, Wish
from shared.failures import Refused, Transient
from shared.kafka.topics import ORDERS_EVENTS
from shared.settings import Settings

logger = structlog.get_logger(__name__)
_POLL_MS = 500
_FETCH_MAX_BYTES = 4 * 1024 * 1024
_AGAIN_SECONDS = 1.0
# Who comes back within this goes on where they were.
_LINGER_SECONDS = 60.0
_START_SECONDS = 5.0
_EVENTS = 5_000
_UNREAD = 500
_MOST_LISTENERS = 5_000


class Listener:
    """Somebody who listens: what was not taken yet, a bounded number of events.

    Args:
        wish: what is wanted.
    """

    def __init__(self, wish: Wish) -> None:
        self.wish = wish
        self._unread: deque[Entry] = deque()
        self._is_reset = False
        self._woken = asyncio.Event()

    def put(self, entry: Entry) -> None:
        """One more; a listener that is too slow loses all of them, and is told so."""
        if self._is_reset:
            return
        if len(self._unread) >= _UNREAD:
            self.reset()
            return
        self._unread.append(entry)
        self._woken.set()

    def reset(self) -> None:
        """Something is missing: what was seen so far has to be read again."""
        self._unread.clear()
        self._is_reset = True
        self._woken.set()

    def wake(self) -> None:
        """Look whether it is over."""
        self._woken.set()

    async def wait(self, seconds: float) -> None:
        """Until there is something, but no longer than this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()

    def take(self) -> tuple[bool, list[Entry]]:
        """Whether something is missing, and what came since; both only once."""
        taken = self._is_reset, list(self._unread)
        self._is_reset = False
        self._unread.clear()
        self._woken.clear()
        return taken


class Tail:
    """The end of `orders.events`, and who listens to it.

    Args:
        settings: where Kafka is.
    """

    def __init__(self, settings: Settings) -> None:
        self._servers = settings.kafka
        self._topic = settings.topic_prefix + ORDERS_EVENTS.name
        self._ring = Ring(_EVENTS)
        self._listeners: dict[UUID, set[Listener]] = defaultdict(set)
        self.listeners = 0
        self._idle_since = 0.0
        self._reading: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()
        self.is_stopped = False

    @property
    def here(self) -> Place:
        """Where the reading is."""
        return self._ring.here

    @asynccontextmanager
    async def listen(self, wish: Wish, place: Place | None) -> AsyncIterator[Listener]:
        """Hear what comes, from a place on; from now on without one.

        Raises:
            Transient: the log is not read: Kafka is away.
            Refused: `overloaded`.
        """
        if self.listeners >= _MOST_LISTENERS or self.is_stopped:
            raise Refused("overloaded")
        self.listeners += 1
        listener = Listener(wish)
        try:
            await self._begun()
            self._catch_up(listener, place)
            self._listeners[wish.viewer.account].add(listener)
            yield listener
        finally:
            self._leave(listener)

    async def _begun(self) -> None:
        if self._reading is None or self._reading.done():
            self._ready.clear()
            self._reading = asyncio.create_task(self._read(), name="stream of orders")
        try:
            async with asyncio.timeout(_START_SECONDS):
                await self._ready.wait()
        except TimeoutError:
            raise Transient("orders.events is not read: Kafka is away") from None

    def _catch_up(self, listener: Listener, place: Place | None) -> None:
        if place is None:
            return
        missed = self._ring.since(place)
        if missed is None:
            listener.reset()
            return
        for entry in missed:
            if listener.wish.hears(entry.told):
                listener.put(entry)

    def _leave(self, listener: Listener) -> None:
        account = listener.wish.viewer.account
        self._listeners[account].discard(listener)
        if not self._listeners[account]:
            del self._listeners[account]
        self.listeners -= 1
        self._idle_since = time.monotonic()

    async def stop(self) -> None:
        """Everybody is sent away, and reading ends."""
        self.is_stopped = True
        for listener in chain.from_iterable(self._listeners.values()):
            listener.wake()
        if self._reading is not None:
            self._reading.cancel()
            with suppress(asyncio.CancelledError):
                await self._reading

    async def _read(self) -> None:
        """Until nobody has listened for a while; without Kafka it begins again."""
        while self._is_wanted():
            consumer = AIOKafkaConsumer(
                self._topic,
                bootstrap_servers=self._servers,
                group_id=None,
                enable_auto_commit=False,
                auto_offset_reset="latest",
                fetch_max_bytes=_FETCH_MAX_BYTES,
            )
            try:
                await consumer.start()
                await self._follow(consumer)
            except (KafkaError, OSError, TimeoutError) as error:
                logger.warning("the stream of orders begins again", reason=repr(error))
                await asyncio.sleep(_AGAIN_SECONDS)
            finally:
                self._ready.clear()
                await consumer.stop()

    async def _follow(self, consumer: AIOKafkaConsumer) -> None:
        names = consumer.assignment()
        if not names:
            raise TimeoutError(f"{self._topic}: there is no such topic yet")
        self._ring.begin({name.partition: await consumer.position(name) for name in names})
        for listener in chain.from_iterable(self._listeners.values()):
            listener.reset()
        self._ready.set()
        while self._is_wanted():
            found = await consumer.getmany(timeout_ms=_POLL_MS)
            for record in chain.from_iterable(found.values()):
                self._tell(record)

    def _is_wanted(self) -> bool:
        return self.listeners > 0 or time.monotonic() - self._idle_since < _LINGER_SECONDS

    def _tell(self, record: ConsumerRecord) -> None:
        try:
            headers = {name: value.decode() for name, value in record.headers}
            told = Told.of(record.partition, record.offset, headers)
        except (KeyError, ValueError) as error:
            logger.warning("no event of an order", offset=record.offset, reason=repr(error))
            return
        entry = self._ring.add(told)
        for account in {told.brand_id, told.three_pl_id}:
            for listener in self._listeners.get(account, ()) if account else ():
                if listener.wish.hears(told):
                    listener.put(entry)
