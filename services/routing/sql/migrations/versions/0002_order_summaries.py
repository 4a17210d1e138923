"""What lists show of an order, in one place."""

from shared.postgres import migration

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE VIEW routing.order_summaries AS
        SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version,
               sequence, settings_version, created_at, updated_at, payload->>'number' AS number,
               payload->>'total' AS total, payload->>'currency' AS currency
        FROM routing.orders;
        """
    )


def downgrade() -> None:
    migration.run("DROP VIEW routing.order_summaries")
