"""How far orders.received has been handled, beside the orders."""

from shared.postgres import migration
from shared.postgres.positions import CREATE_V1

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

# A schema that knows orders has read what Kafka's offsets say; an empty one reads the log from its
# start, whatever they say.
_ADOPT = """
INSERT INTO routing.positions (topic, partition, next_offset)
SELECT 'orders.received', -1, 0 WHERE EXISTS (SELECT FROM routing.orders);
"""


def upgrade() -> None:
    migration.run(CREATE_V1.format(schema="routing"))
    migration.run(_ADOPT)
    migration.run(
        """
        ALTER TABLE routing.orders
            ADD COLUMN log_generation integer,
            ADD COLUMN log_partition integer,
            ADD COLUMN log_offset bigint,
            ADD COLUMN source_received_at timestamptz;
        COMMENT ON COLUMN routing.orders.log_offset IS
            'of the newest record that counted: what is read again at or before it is decided';
        COMMENT ON COLUMN routing.orders.source_received_at IS 'when that record was accepted';
        ALTER TABLE routing.parked_records
            ADD COLUMN generation integer NOT NULL DEFAULT 0,
            DROP CONSTRAINT parked_records_topic_partition_record_offset_key,
            ADD UNIQUE (topic, partition, generation, record_offset);
        """
    )


def downgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.parked_records
            DROP CONSTRAINT parked_records_topic_partition_generation_record_offset_key,
            DROP COLUMN generation,
            ADD UNIQUE (topic, partition, record_offset);
        ALTER TABLE routing.orders
            DROP COLUMN log_generation, DROP COLUMN log_partition, DROP COLUMN log_offset,
            DROP COLUMN source_received_at;
        DROP TABLE routing.positions;
        """
    )
