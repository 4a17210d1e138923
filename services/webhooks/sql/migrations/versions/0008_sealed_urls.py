"""Webhook URLs are sealed: their paths and queries carry the tokens of 3PLs.

SQL cannot seal. What stands here in plain is sealed by the service at its start, in batches
(`endpoint_urls.py`); until then both columns are read.
"""

from shared.postgres import migration

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE webhooks.endpoints
            ALTER COLUMN url DROP NOT NULL,
            ADD COLUMN sealed_url text,
            ADD COLUMN masked_url text,
            ADD CHECK ((url IS NULL) = (sealed_url IS NOT NULL)),
            ADD CHECK ((sealed_url IS NULL) = (masked_url IS NULL));
        COMMENT ON COLUMN webhooks.endpoints.url IS
            'plain, of before; null once the service has sealed it';
        COMMENT ON COLUMN webhooks.endpoints.sealed_url IS
            'sealed for endpoint-url:<id>';
        COMMENT ON COLUMN webhooks.endpoints.masked_url IS
            'what may be shown of it: no value of the query, no secret of the path';
        CREATE INDEX endpoints_plain ON webhooks.endpoints (id) WHERE url IS NOT NULL;
        """
    )


def downgrade() -> None:
    # A sealed URL cannot be opened here: only a database without one goes back.
    migration.run(
        """
        DROP INDEX webhooks.endpoints_plain;
        ALTER TABLE webhooks.endpoints
            ALTER COLUMN url SET NOT NULL,
            DROP COLUMN sealed_url, DROP COLUMN masked_url;
        """
    )
