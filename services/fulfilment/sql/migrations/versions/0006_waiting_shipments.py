"""What waits, of each party: few shipments of all that there are."""

from shared.postgres import migration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE INDEX shipments_waiting_of_brand ON fulfilment.shipments (brand_id, created_at, id)
            WHERE status IN ('needs_carrier', 'ready', 'labelled');
        CREATE INDEX shipments_waiting_of_three_pl
            ON fulfilment.shipments (three_pl_id, created_at, id)
            WHERE status IN ('needs_carrier', 'ready', 'labelled') AND connection_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP INDEX fulfilment.shipments_waiting_of_brand, fulfilment.shipments_waiting_of_three_pl;
        """
    )
