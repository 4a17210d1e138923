"""Since when a connection is in its state: an order that was accepted before is not its own."""

from shared.postgres import migration

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.connections ADD COLUMN state_since timestamptz;
        COMMENT ON COLUMN routing.connections.state_since IS
            'orders that were accepted earlier do not enter into an active one; null: not told';
        """
    )


def downgrade() -> None:
    migration.run("ALTER TABLE routing.connections DROP COLUMN state_since;")
