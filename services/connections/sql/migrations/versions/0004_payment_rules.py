"""What a store says about orders that are not paid yet."""

from shared.postgres import migration

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.stores
            ADD COLUMN hold_unpaid boolean NOT NULL DEFAULT true,
            ADD COLUMN ship_unpaid_methods text[] NOT NULL DEFAULT '{}';
        COMMENT ON COLUMN connections.stores.hold_unpaid IS
            'whether orders that are not paid yet wait (a hold of kind payment)';
        COMMENT ON COLUMN connections.stores.ship_unpaid_methods IS
            'payment methods that ship unpaid all the same, such as cash on delivery';
        """
    )


def downgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.stores
            DROP COLUMN hold_unpaid, DROP COLUMN ship_unpaid_methods;
        """
    )
