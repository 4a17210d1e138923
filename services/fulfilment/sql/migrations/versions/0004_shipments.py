"""Shipments, and what is told of them with the order."""

from shared.postgres import migration

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TABLES = """
ALTER TABLE fulfilment.orders ADD COLUMN shipments_version bigint NOT NULL DEFAULT 0;
COMMENT ON COLUMN fulfilment.orders.shipments_version IS 'of what shipments.events told last';

CREATE TABLE fulfilment.shipments (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    sequence integer NOT NULL,
    part integer NOT NULL,
    version integer NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    connection_id uuid,
    rules_of uuid NOT NULL,
    billing_of uuid NOT NULL,
    status text NOT NULL CHECK (status IN ('needs_carrier', 'ready', 'labelled', 'shipped',
                                           'delivered', 'returned', 'cancelled')),
    chosen_by text NOT NULL CHECK (chosen_by IN ('rule', 'fallback', 'person', 'needs_carrier',
                                                 'no_rules')),
    rules_version integer,
    rule_number integer,
    rule_name text,
    shipping text,
    lines text NOT NULL,
    parcels text NOT NULL,
    consignee text,
    created_at timestamptz NOT NULL,
    shipped_at timestamptz,
    delivered_at timestamptz,
    cancelled_at timestamptz,
    cancelled_because text,
    is_told boolean NOT NULL,
    is_outdated boolean NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 80);
COMMENT ON TABLE fulfilment.shipments IS 'some of an order''s pieces, sent together';
COMMENT ON COLUMN fulfilment.shipments.sequence IS 'of the order''s event that began the work';
COMMENT ON COLUMN fulfilment.shipments.part IS '0, and more for what was split off';
COMMENT ON COLUMN fulfilment.shipments.connection_id IS
    'whose order it was then; null: the brand''s own';
COMMENT ON COLUMN fulfilment.shipments.shipping IS 'carrier, service, options, warehouse (JSON)';
COMMENT ON COLUMN fulfilment.shipments.consignee IS
    'address, contacts and contents (JSON); null since its brand was erased';
CREATE INDEX shipments_of_order ON fulfilment.shipments (order_id);
CREATE INDEX shipments_of_brand ON fulfilment.shipments (brand_id, created_at, id);
CREATE INDEX shipments_of_three_pl ON fulfilment.shipments (three_pl_id, created_at, id)
    WHERE connection_id IS NOT NULL;
-- What waits: few of all.
CREATE INDEX shipments_waiting ON fulfilment.shipments (rules_of, id)
    WHERE status IN ('needs_carrier', 'ready');
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE fulfilment.shipments;
        ALTER TABLE fulfilment.orders DROP COLUMN shipments_version;
        """
    )
