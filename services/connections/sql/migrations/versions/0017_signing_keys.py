"""The keys that sign access tokens in turns."""

from shared.postgres import migration

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.signing_keys (
            kid text PRIMARY KEY,
            x text NOT NULL,
            sealed_key text,
            created_at timestamptz NOT NULL,
            signs_from timestamptz,
            verifies_until timestamptz
        );
        COMMENT ON TABLE connections.signing_keys IS
            'those that tokens verify by; none before the first rotation';
        COMMENT ON COLUMN connections.signing_keys.sealed_key IS
            'the private JWK; NULL for the key in the settings';
        COMMENT ON COLUMN connections.signing_keys.signs_from IS
            'NULL until the key was seen on its topic';
        CREATE SEQUENCE connections.signing_key_versions;
        """
    )


def downgrade() -> None:
    migration.run(
        "DROP TABLE connections.signing_keys; DROP SEQUENCE connections.signing_key_versions"
    )
