"""Endpoints of older settings that send to the current one, since a re-point."""

from shared.postgres import migration

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.endpoints
            ADD COLUMN sends_to uuid REFERENCES connections.endpoints CHECK (sends_to <> id);
        COMMENT ON COLUMN connections.endpoints.sends_to IS
            'the endpoint of the connection whose URL and secrets are used instead';
        -- A URL that comes back after a re-point gets an endpoint of its own.
        ALTER TABLE connections.endpoints
            DROP CONSTRAINT endpoints_connection_id_url_digest_key;
        CREATE UNIQUE INDEX endpoints_by_url
            ON connections.endpoints (connection_id, url_digest) WHERE sends_to IS NULL;
        """
    )


def downgrade() -> None:
    # Only a database in which no URL came back so goes back.
    migration.run(
        """
        DROP INDEX connections.endpoints_by_url;
        ALTER TABLE connections.endpoints
            ADD CONSTRAINT endpoints_connection_id_url_digest_key
                UNIQUE (connection_id, url_digest),
            DROP COLUMN sends_to;
        """
    )
