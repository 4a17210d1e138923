"""How often somebody tried to log in, from where and to what."""

from shared.postgres import migration

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.login_attempts (
            subject bytea PRIMARY KEY,
            attempts integer NOT NULL,
            ends_at timestamptz NOT NULL
        );
        CREATE INDEX login_attempts_ends ON connections.login_attempts (ends_at);
        COMMENT ON COLUMN connections.login_attempts.subject IS
            'the SHA-256 of a network, or of a network and what it tried to get into';
        """
    )


def downgrade() -> None:
    migration.run("DROP TABLE connections.login_attempts")
