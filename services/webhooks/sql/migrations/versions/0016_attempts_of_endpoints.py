"""Attempts say whose they were and what was sent: health by endpoint, requests to be seen."""

from shared.postgres import migration

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE webhooks.attempts
            ADD COLUMN endpoint_id uuid, ADD COLUMN url text, ADD COLUMN signed_at bigint;
        COMMENT ON COLUMN webhooks.attempts.endpoint_id IS 'null: of before';
        COMMENT ON COLUMN webhooks.attempts.url IS
            'as it was then, masked; it goes when an account is erased';
        COMMENT ON COLUMN webhooks.attempts.signed_at IS
            'the webhook-timestamp that it was signed with; null: of before';
        CREATE INDEX attempts_of_endpoint ON webhooks.attempts (endpoint_id, at)
            INCLUDE (duration_ms, status) WHERE endpoint_id IS NOT NULL;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP INDEX webhooks.attempts_of_endpoint;
        ALTER TABLE webhooks.attempts
            DROP COLUMN endpoint_id, DROP COLUMN url, DROP COLUMN signed_at;
        """
    )
