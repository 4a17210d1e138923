"""Records of orders.received that failed are kept as rows, in the transaction of their batch."""

from shared.postgres import migration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE routing.parked_records (
            id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
            topic text NOT NULL,
            partition integer NOT NULL,
            record_offset bigint NOT NULL,
            store_id uuid NOT NULL,
            external_id text NOT NULL,
            headers text NOT NULL,
            value bytea NOT NULL,
            reason text NOT NULL,
            parked_at timestamptz NOT NULL DEFAULT now(),
            replays integer NOT NULL DEFAULT 0,
            replay_requested_at timestamptz,
            UNIQUE (topic, partition, record_offset)
        );
        COMMENT ON TABLE routing.parked_records IS
            'failed, or behind one of the same order that did; in the order of the log';
        COMMENT ON COLUMN routing.parked_records.replay_requested_at IS
            'an operator wants the records of this order tried again';
        CREATE INDEX parked_records_of_order
            ON routing.parked_records (store_id, external_id, id);
        CREATE INDEX parked_records_to_replay ON routing.parked_records (replay_requested_at)
            WHERE replay_requested_at IS NOT NULL;
        """
    )


def downgrade() -> None:
    migration.run("DROP TABLE routing.parked_records")
