"""Endpoints whose deliveries go to another one, since a re-point."""

from shared.postgres import migration

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE webhooks.endpoints ADD COLUMN sends_to uuid CHECK (sends_to <> id);
        COMMENT ON COLUMN webhooks.endpoints.sends_to IS
            'the endpoint of the connection whose URL and secrets are used instead';
        """
    )


def downgrade() -> None:
    migration.run("ALTER TABLE webhooks.endpoints DROP COLUMN sends_to")
