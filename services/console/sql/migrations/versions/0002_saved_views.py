"""Saved views: filters of lists that a person gave a name."""

from shared.postgres import migration

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE console.saved_views (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    account_id uuid NOT NULL,
    person_id uuid NOT NULL,
    name text NOT NULL,
    query text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (account_id, person_id, name)
);
COMMENT ON COLUMN console.saved_views.query IS
    'of the address of the list; without what was searched for, which may name a buyer';
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run("DROP TABLE console.saved_views;")
