"""Brands whose data was erased, and what is left of a store then."""

from shared.postgres import erased_accounts, migration

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

EMPTIED = """
CREATE FUNCTION ingest.emptied(store json) RETURNS json LANGUAGE sql IMMUTABLE AS
$$ SELECT (store::jsonb || '{"domain": "", "credentials": []}')::json $$;
COMMENT ON FUNCTION ingest.emptied IS
    'a state of stores.changed without what says whose shop it is, or lets anybody in';
"""


def upgrade() -> None:
    migration.run(erased_accounts.CREATE.format(schema="ingest"))
    migration.run(EMPTIED)


def downgrade() -> None:
    migration.run("DROP FUNCTION ingest.emptied(json); DROP TABLE ingest.erased_accounts")
