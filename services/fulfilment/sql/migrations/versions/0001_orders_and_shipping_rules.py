"""Orders as fulfilment knows them, shipping rules, and what every such schema has."""

from shared.postgres import erased_accounts, migration, positions
from shared.postgres.outbox import CREATE_V1
from shared.postgres.outbox_table import CREATE_V2

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE fulfilment.orders (
    id uuid PRIMARY KEY,
    sequence integer NOT NULL,
    store_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    connection_id uuid,
    external_id text NOT NULL,
    number text,
    status text NOT NULL,
    shipping_rules_owner text NOT NULL CHECK (shipping_rules_owner IN ('brand', 'three_pl')),
    rules_of uuid GENERATED ALWAYS AS (
        CASE shipping_rules_owner WHEN 'brand' THEN brand_id ELSE three_pl_id END) STORED,
    entered_at timestamptz NOT NULL,
    facts text
) WITH (fillfactor = 90);
COMMENT ON TABLE fulfilment.orders IS 'projection of orders.events: the newest event of each order';
COMMENT ON COLUMN fulfilment.orders.shipping_rules_owner IS 'of the snapshot';
COMMENT ON COLUMN fulfilment.orders.rules_of IS 'the account whose shipping rules count';
COMMENT ON COLUMN fulfilment.orders.facts IS
    'what rules look at (shared/rules/facts.py, JSON); null since its brand was erased';
CREATE INDEX orders_by_rules ON fulfilment.orders (rules_of, entered_at, id);
CREATE INDEX orders_of_brand ON fulfilment.orders (brand_id);

CREATE TABLE fulfilment.shipping_rules (
    account_id uuid NOT NULL,
    version integer NOT NULL,
    rules text NOT NULL,
    fallback text,
    set_by uuid,
    set_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (account_id, version)
);
COMMENT ON TABLE fulfilment.shipping_rules IS
    'versions of an account''s shipping rules (JSON); the newest counts for what is processed';
COMMENT ON COLUMN fulfilment.shipping_rules.set_by IS 'person or API client';
"""


def upgrade() -> None:
    migration.run(TABLES)
    for script in (
        CREATE_V1,
        CREATE_V2,
        positions.CREATE_V1,
        erased_accounts.CREATE,
        erased_accounts.ADD_EMPTIED,
    ):
        migration.run(script.format(schema="fulfilment"))


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE fulfilment.orders, fulfilment.shipping_rules, fulfilment.positions,
            fulfilment.erased_accounts, fulfilment.outbox, fulfilment.outbox_aside;
        DROP FUNCTION fulfilment.outbox_wake();
        """
    )
