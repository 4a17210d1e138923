"""The projection of stores, the spool (an outbox) and the quarantine."""

from shared.postgres import migration
from shared.postgres.outbox import CREATE_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE ingest.stores (
    id uuid PRIMARY KEY,
    version integer NOT NULL,
    body json NOT NULL
);
COMMENT ON TABLE ingest.stores IS 'projection of stores.changed; secrets are sealed';

CREATE TABLE ingest.quarantine (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    received_at timestamptz NOT NULL DEFAULT now(),
    route text NOT NULL,
    reason text NOT NULL,
    headers text NOT NULL,
    body bytea NOT NULL
);
COMMENT ON TABLE ingest.quarantine IS 'accepted with correct credentials, but not understood';
CREATE INDEX quarantine_of_brand ON ingest.quarantine (brand_id, id);
"""


def upgrade() -> None:
    migration.run(TABLES)
    migration.run(CREATE_V1.format(schema="ingest"))


def downgrade() -> None:
    migration.run(
        "DROP TABLE ingest.outbox, ingest.quarantine, ingest.stores;"
        "DROP FUNCTION ingest.outbox_wake();"
    )
