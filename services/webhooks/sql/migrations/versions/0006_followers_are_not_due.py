"""What has to wait for its lane is not due: claims do not read it again and again."""

from shared.postgres import migration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COMMENT = """
COMMENT ON COLUMN webhooks.deliveries.due_at IS
    'when it may be claimed: the next attempt, or the end of the lease of lease_owner; infinity '
    'while an earlier one of its lane is unfinished, and whoever finishes that one sets it';
"""

VIEW = """
CREATE OR REPLACE VIEW webhooks.delivery_details AS
SELECT d.id, e.id AS event_id, e.type, e.order_id, d.sequence, d.endpoint_id, e.connection_id,
       e.three_pl_id, e.brand_id, d.state, d.attempts, {due_at} AS due_at,
       d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id;
"""


def upgrade() -> None:
    migration.run(COMMENT)
    migration.run(VIEW.format(due_at="NULLIF(d.due_at, 'infinity')"))


def downgrade() -> None:
    migration.run(VIEW.format(due_at="d.due_at"))
    migration.run("UPDATE webhooks.deliveries SET due_at = now() WHERE due_at = 'infinity'")
