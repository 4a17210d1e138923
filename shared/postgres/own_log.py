"""How far a topic is known that a service writes itself: what its relay sent stands in its tables.

A row of `positions` for each partition, moved once a second and never back: a lower bound, from
where the service reads its own topic on at its next start (`shared/kafka/reading_on.py`).
"""

import asyncio
from collections.abc import Mapping

import structlog
from aiokafka.structs import RecordMetadata

from shared.failures import is_transient
from shared.kafka.message import Message
from shared.kafka.topics import Topic
from shared.postgres.database import Database

logger = structlog.get_logger(__name__)
_SECONDS = 1.0
_RAISE = """
UPDATE positions p SET next_offset = s.next_offset, record_id = s.record_id, moved_at = now()
FROM unnest($2::int[], $3::bigint[], $4::text[]) AS s (partition, next_offset, record_id)
WHERE p.topic = $1 AND p.partition = s.partition AND p.next_offset < s.next_offset
"""


class OwnLog:
    """Notes how far one topic is known.

    Args:
        database: has the rows.
        topic: which one; this service alone writes to it.
    """

    def __init__(self, database: Database, topic: Topic) -> None:
        self._database = database
        self._topic = topic.name
        # By partition: the offset after the newest message, and its id.
        self._sent: dict[int, tuple[int, str]] = {}

    def note(self, message: Message, place: object) -> None:
        """Kafka has the message, at this place."""
        if message.topic != self._topic or not isinstance(place, RecordMetadata):
            return
        known = self._sent.get(place.partition)
        if known is None or known[0] <= place.offset:
            self._sent[place.partition] = (place.offset + 1, message.headers["ce_id"])

    async def run(self) -> None:
        """Keep the rows until cancelled; losing Postgres only pauses it."""
        while True:
            await asyncio.sleep(_SECONDS)
            try:
                await self.keep()
            except Exception as error:
                if not is_transient(error):
                    raise
                logger.warning("positions of our own topic wait", reason=str(error))

    async def keep(self) -> None:
        """Keep them now."""
        sent: Mapping[int, tuple[int, str]] = dict(self._sent)
        if not sent:
            return
        async with self._database.session() as session:
            await session.execute(
                _RAISE,
                self._topic,
                list(sent),
                [offset for offset, _ in sent.values()],
                [record_id for _, record_id in sent.values()],
            )
        self._sent = {at: one for at, one in self._sent.items() if sent.get(at) != one}
