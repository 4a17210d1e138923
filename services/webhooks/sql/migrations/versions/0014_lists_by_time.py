"""Lists of deliveries go by time: the order of their events' ids means nothing any more."""

from shared.postgres import migration

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# `events_of_brand` and `events_of_three_pl` stay: an erasure takes events by them, chunk by chunk.
INDEXES = """
CREATE INDEX events_of_three_pl_by_time ON webhooks.events (three_pl_id, created_at, id);
CREATE INDEX events_of_brand_by_time ON webhooks.events (brand_id, created_at, id);
"""

VIEW = """
CREATE VIEW webhooks.delivery_details AS
SELECT d.id, e.id AS event_id, e.type, e.order_id, d.sequence, d.endpoint_id, e.connection_id,
       e.three_pl_id, e.brand_id, d.state, d.attempts, NULLIF(d.due_at, 'infinity') AS due_at,
       d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at{event_at}
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id;
"""


def upgrade() -> None:
    migration.run(INDEXES)
    migration.run("DROP VIEW webhooks.delivery_details")
    migration.run(VIEW.format(event_at=", e.created_at AS event_at"))


def downgrade() -> None:
    migration.run("DROP VIEW webhooks.delivery_details")
    migration.run(VIEW.format(event_at=""))
    migration.run(
        "DROP INDEX webhooks.events_of_three_pl_by_time, webhooks.events_of_brand_by_time"
    )
