"""An event may be sent to an endpoint again: each time is a round, and a delivery of its own."""

from shared.postgres import migration

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

VIEW = """
CREATE VIEW webhooks.delivery_details AS
SELECT d.id, e.id AS event_id, e.type, e.order_id, d.sequence, d.endpoint_id, e.connection_id,
       e.three_pl_id, e.brand_id, d.state, d.attempts, NULLIF(d.due_at, 'infinity') AS due_at,
       d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at,
       e.created_at AS event_at, p.brand_id IS NOT NULL AS is_brands{round}
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id
    LEFT JOIN webhooks.endpoints p ON p.id = d.endpoint_id;
"""


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE webhooks.deliveries ADD COLUMN round integer NOT NULL DEFAULT 0;
        COMMENT ON COLUMN webhooks.deliveries.round IS
            '0: as it came off the log; one more each time that it was sent again';
        ALTER TABLE webhooks.deliveries
            DROP CONSTRAINT deliveries_event_id_endpoint_id_key,
            ADD CONSTRAINT deliveries_event_id_endpoint_id_round_key
                UNIQUE (event_id, endpoint_id, round);
        DROP VIEW webhooks.delivery_details;
        """
    )
    migration.run(VIEW.format(round=", d.round"))


def downgrade() -> None:
    # Only a database in which nothing was sent again goes back.
    migration.run("DROP VIEW webhooks.delivery_details")
    migration.run(
        """
        ALTER TABLE webhooks.deliveries
            DROP CONSTRAINT deliveries_event_id_endpoint_id_round_key,
            ADD CONSTRAINT deliveries_event_id_endpoint_id_key UNIQUE (event_id, endpoint_id);
        ALTER TABLE webhooks.deliveries DROP COLUMN round;
        """
    )
    migration.run(VIEW.format(round=""))
