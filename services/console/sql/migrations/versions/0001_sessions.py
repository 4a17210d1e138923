"""Sessions of browsers."""

from shared.postgres import migration

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE console.sessions (
    id uuid PRIMARY KEY,
    cookie_digest bytea NOT NULL UNIQUE,
    sealed text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN console.sessions.cookie_digest IS
    'SHA-256 of what the browser keeps: a copy of this table opens nothing';
COMMENT ON COLUMN console.sessions.sealed IS
    'tokens and whom they are for, AES-GCM, bound to the id of the session';
CREATE INDEX sessions_by_use ON console.sessions (seen_at);
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run("DROP TABLE console.sessions;")
