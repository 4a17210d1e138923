"""What fulfilment told of an order's shipments, with the order."""

from shared.postgres import migration

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


VIEW = """
DROP VIEW routing.order_summaries;
CREATE VIEW routing.order_summaries AS
SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version, sequence,
       settings_version, source_created_at AS created_at, accepted_at, updated_at, number, total,
       currency, CASE WHEN status = 'on_hold' THEN routing.standing_holds(id) END AS holds,
       erased_at, epoch, shipping_rules_owner, billing_owner, support_owner, cancel_too_late,
       payload,
       routing.search_of(words, brand_id, CASE WHEN connection_id IS NOT NULL THEN three_pl_id END)
           AS search{more}
FROM routing.orders WHERE sequence > 0;
"""


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.orders
            ADD COLUMN shipments text NOT NULL DEFAULT '[]',
            ADD COLUMN shipments_version bigint NOT NULL DEFAULT 0;
        COMMENT ON COLUMN routing.orders.shipments IS
            'as shipments.events told them last, and as order events tell them, JSON';
        COMMENT ON COLUMN routing.orders.shipments_version IS
            'of what shipments.events told last';
        """
        + VIEW.format(more=", shipments")
    )


def downgrade() -> None:
    migration.run(
        VIEW.format(more="")
        + "ALTER TABLE routing.orders DROP COLUMN shipments, DROP COLUMN shipments_version;"
    )
