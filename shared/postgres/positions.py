"""The positions of a schema's consumers: rows beside the effects (`shared/kafka/positions.py`)."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from shared.kafka.positions import OutOfStep, Position, Step
from shared.postgres.database import Database, Session

# For the migration of each schema that has such a consumer; frozen, as every migration is. A schema
# of before has read up to Kafka's own offsets: its first rows are made of those.
CREATE_V1 = """
CREATE TABLE {schema}.positions (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    record_id text,
    generation integer NOT NULL DEFAULT 0,
    moved_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (topic, partition)
) WITH (fillfactor = 50);
COMMENT ON TABLE {schema}.positions IS
    'what has been handled of each partition, moved in the transaction of its effects';
COMMENT ON COLUMN {schema}.positions.record_id IS
    'ce_id of the record before next_offset: another one there is another log';
COMMENT ON COLUMN {schema}.positions.generation IS 'counts the logs that the partition has had';
COMMENT ON COLUMN {schema}.positions.partition IS
    '-1: partitions without a row go on at the offsets that Kafka keeps';
"""
_LOAD = """
SELECT partition, next_offset, record_id, generation FROM positions
WHERE topic = $1 AND partition = ANY($2::int[])
"""
_ADOPTS = "SELECT true FROM positions WHERE topic = $1 AND partition = -1"
_INSERT = """
INSERT INTO positions (topic, partition, next_offset, record_id, generation)
VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING
"""
_MOVE = """
UPDATE positions p SET next_offset = s.after, record_id = s.record_id, moved_at = now()
FROM unnest($2::int[], $3::bigint[], $4::int[], $5::bigint[], $6::text[])
    AS s (partition, before, generation, after, record_id)
WHERE p.topic = $1 AND p.partition = s.partition AND p.next_offset = s.before
    AND p.generation = s.generation
"""
_PUT = """
UPDATE positions SET next_offset = $3, record_id = $4, generation = $5, moved_at = now()
WHERE topic = $1 AND partition = $2 AND next_offset = $6 AND generation = $7
"""


class PositionRows:
    """The rows of one topic; see `shared.kafka.positions.Positions`."""

    def __init__(self, database: Database, topic: str) -> None:
        self._database = database
        self._topic = topic

    async def load(self, partitions: Iterable[int]) -> Mapping[int, Position]:
        """See `Positions`."""
        async with self._database.session() as session:
            rows = await session.fetch(_LOAD, self._topic, list(partitions))
        return {
            row["partition"]: Position(row["next_offset"], row["record_id"], row["generation"])
            for row in rows
        }

    async def adopts_offsets(self) -> bool:
        """See `Positions`."""
        async with self._database.session() as session:
            return bool(await session.fetchval(_ADOPTS, self._topic))

    async def move(self, steps: Sequence[Step]) -> None:
        """See `Positions`."""
        async with self._database.session() as session:
            await session.execute(_MOVE, self._topic, *parameters_of(steps).values())

    async def put(self, partition: int, before: Position | None, after: Position) -> None:
        """See `Positions`."""
        to = (self._topic, partition, after.next_offset, after.record_id, after.generation)
        async with self._database.session() as session:
            if before is None:
                await session.execute(_INSERT, *to)
            else:
                await session.execute(_PUT, *to, before.next_offset, before.generation)


async def move(session: Session, topic: str, steps: Sequence[Step]) -> None:
    """Move rows in the caller's transaction.

    Raises:
        OutOfStep: one is somewhere else; the transaction has to be undone.
    """
    moved = await session.fetch(_MOVE + " RETURNING 1", topic, *parameters_of(steps).values())
    require_all(steps, len(moved))


def parameters_of(steps: Sequence[Step]) -> dict[str, list[Any]]:
    """The steps as the parameters of a named query that moves rows."""
    return {
        "partitions": [step.partition for step in steps],
        "befores": [step.before.next_offset for step in steps],
        "generations": [step.before.generation for step in steps],
        "afters": [step.after.next_offset for step in steps],
        "record_ids": [step.after.record_id for step in steps],
    }


def require_all(steps: Sequence[Step], moved: int) -> None:
    """Let a transaction go on that moved every row.

    Raises:
        OutOfStep: it did not: another process has a partition.
    """
    if moved != len(steps):
        raise OutOfStep(f"{moved} of {len(steps)} positions are where they were")
