"""What the API shows of a delivery, in one place; `cancelled` as it is spelt everywhere else."""

from shared.postgres import migration

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# No row says `canceled`: nothing has ever led to that state.
STATES = """
ALTER TABLE webhooks.deliveries DROP CONSTRAINT deliveries_state_check;
ALTER TABLE webhooks.deliveries ADD CONSTRAINT deliveries_state_check
    CHECK (state IN ('pending', 'delivered', 'retrying', 'exhausted', 'parked', 'superseded',
                     '{cancelled}'));
"""

# The event's own id and order: lists go by the event's indexes, and its columns narrow them down
# before a delivery is looked up.
VIEW = """
CREATE VIEW webhooks.delivery_details AS
SELECT d.id, e.id AS event_id, e.type, e.order_id, d.sequence, d.endpoint_id, e.connection_id,
       e.three_pl_id, e.brand_id, d.state, d.attempts, d.due_at,
       d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id;
"""


def upgrade() -> None:
    migration.run(STATES.format(cancelled="cancelled"))
    migration.run(VIEW)


def downgrade() -> None:
    migration.run("DROP VIEW webhooks.delivery_details")
    migration.run(STATES.format(cancelled="canceled"))
