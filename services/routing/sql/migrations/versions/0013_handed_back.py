"""Orders that went back are listed by connection; only returns pay for the index."""

from shared.postgres import migration

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE INDEX order_history_handed_back ON routing.order_history (connection_id, id)
            WHERE event = 'order.unassigned';
        """
    )


def downgrade() -> None:
    migration.run("DROP INDEX routing.order_history_handed_back")
