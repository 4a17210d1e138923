"""The order rules of a connection, each change a new version."""

from shared.postgres import migration

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.order_rules (
            connection_id uuid NOT NULL REFERENCES connections.connections,
            version integer NOT NULL,
            rules jsonb NOT NULL,
            default_action text NOT NULL CHECK (default_action IN ('send', 'do_not_send')),
            effective_at timestamptz NOT NULL DEFAULT clock_timestamp(),
            set_by uuid REFERENCES connections.accounts,
            PRIMARY KEY (connection_id, version)
        );
        COMMENT ON COLUMN connections.order_rules.rules IS
            'of shared.rules.order_rules, as they were sent; emptied when the brand is erased';
        COMMENT ON COLUMN connections.order_rules.set_by IS
            'null: it was taken over from the log, which does not say who set it';
        """
    )


def downgrade() -> None:
    migration.run("DROP TABLE connections.order_rules;")
