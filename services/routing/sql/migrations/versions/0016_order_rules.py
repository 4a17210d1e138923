"""Order rules: which orders a connection's 3PL is sent, with the row that decides on them."""

from shared.postgres import migration

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE routing.connections ADD COLUMN order_rules text NOT NULL DEFAULT '[]';
        COMMENT ON COLUMN routing.connections.order_rules IS
            'Versions of the brand''s rules as connections.changed tells them, JSON.';
        """
    )


def downgrade() -> None:
    migration.run("ALTER TABLE routing.connections DROP COLUMN order_rules;")
