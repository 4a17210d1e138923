"""Hand-overs take turns and wait each on its own; how large a payload is, without reading it."""

from shared.postgres import migration

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.handovers
            ADD COLUMN next_attempt_at timestamptz NOT NULL DEFAULT now(),
            ADD COLUMN failures integer NOT NULL DEFAULT 0,
            ADD COLUMN last_error text;
        COMMENT ON COLUMN routing.handovers.next_attempt_at IS
            'whose turn it is: the longest overdue first; later after a failure';
        DROP INDEX routing.handovers_running;
        CREATE INDEX handovers_running ON routing.handovers (next_attempt_at)
            WHERE state = 'running';

        ALTER TABLE routing.orders ADD COLUMN payload_bytes integer NOT NULL DEFAULT 0;
        UPDATE routing.orders SET payload_bytes = octet_length(payload::text)
        WHERE payload IS NOT NULL;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.orders DROP COLUMN payload_bytes;
        DROP INDEX routing.handovers_running;
        CREATE INDEX handovers_running ON routing.handovers (id) WHERE state = 'running';
        ALTER TABLE routing.handovers
            DROP COLUMN next_attempt_at, DROP COLUMN failures, DROP COLUMN last_error;
        """
    )
