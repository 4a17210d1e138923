"""Holds are rows; a snapshot is whole and of the time of acceptance; lists need no payload."""

from shared.postgres import migration

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

HOLDS = """
CREATE TABLE routing.holds (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    kind text NOT NULL
        CHECK (kind IN ('payment', 'address', 'stock', 'fraud', 'customer', 'other')),
    note text,
    release_by text NOT NULL CHECK (release_by IN ('brand', 'three_pl')),
    placed_by uuid,
    placed_at timestamptz NOT NULL,
    lifted_at timestamptz
);
COMMENT ON TABLE routing.holds IS
    'why open orders must not be worked yet: an order is on_hold while one stands (not lifted)';
COMMENT ON COLUMN routing.holds.placed_by IS 'the account; null for the payment at the store';
CREATE INDEX holds_standing ON routing.holds (order_id) WHERE lifted_at IS NULL;

CREATE FUNCTION routing.standing_holds(wanted uuid) RETURNS text LANGUAGE sql STABLE AS
$$ SELECT json_agg(h ORDER BY h.placed_at, h.id)::text FROM routing.holds h
   WHERE h.order_id = wanted AND h.lifted_at IS NULL $$;

-- Until now a hold had no reason, and the owner lifted it.
INSERT INTO routing.holds (id, order_id, kind, release_by, placed_at)
SELECT gen_random_uuid(), id, 'other',
       CASE WHEN connection_id IS NULL THEN 'brand' ELSE 'three_pl' END, updated_at
FROM routing.orders WHERE status = 'on_hold';
"""

SNAPSHOTS = """
ALTER TABLE routing.settings
    ADD COLUMN effective_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z';
COMMENT ON COLUMN routing.settings.effective_at IS
    'orders accepted from then on are bound to this version, however late they are decided on';

ALTER TABLE routing.connections
    ADD COLUMN shipping_rules_owner text NOT NULL DEFAULT 'brand',
    ADD COLUMN billing_owner text NOT NULL DEFAULT 'brand',
    ADD COLUMN support_owner text NOT NULL DEFAULT 'brand',
    ADD COLUMN effective_at timestamptz NOT NULL DEFAULT '1970-01-01T00:00:00Z';
UPDATE routing.connections c
SET shipping_rules_owner = s.shipping_rules_owner, billing_owner = s.billing_owner,
    support_owner = s.support_owner
FROM routing.settings s WHERE s.connection_id = c.id AND s.version = c.settings_version;

ALTER TABLE routing.orders
    ADD COLUMN shipping_rules_owner text,
    ADD COLUMN billing_owner text,
    ADD COLUMN support_owner text,
    ADD COLUMN accepted_at timestamptz,
    ADD COLUMN source_created_at timestamptz,
    ADD COLUMN number text,
    ADD COLUMN total text,
    ADD COLUMN currency text;
UPDATE routing.orders o
SET accepted_at = o.created_at, source_created_at = (o.payload->>'created_at')::timestamptz,
    number = o.payload->>'number', total = o.payload->>'total',
    currency = o.payload->>'currency', shipping_rules_owner = s.shipping_rules_owner,
    billing_owner = s.billing_owner, support_owner = s.support_owner
FROM routing.orders known
LEFT JOIN routing.settings s
    ON s.connection_id = known.connection_id AND s.version = known.settings_version
WHERE known.id = o.id;
ALTER TABLE routing.orders ALTER COLUMN accepted_at SET NOT NULL;
COMMENT ON COLUMN routing.orders.accepted_at IS 'when ingest accepted it first';
COMMENT ON COLUMN routing.orders.source_created_at IS 'when it was placed, says the store';
"""

# What was deleted before it was ever seen is a tombstone and nothing that anybody had.
LISTS = """
DROP VIEW routing.order_summaries;
CREATE VIEW routing.order_summaries AS
SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version, sequence,
       settings_version, source_created_at AS created_at, accepted_at, updated_at, number, total,
       currency, CASE WHEN status = 'on_hold' THEN routing.standing_holds(id) END AS holds
FROM routing.orders WHERE sequence > 0;
UPDATE routing.orders SET sequence = 0 WHERE tombstone AND payload IS NULL;

CREATE INDEX orders_of_brand_by_status ON routing.orders (brand_id, status, id);
CREATE INDEX orders_of_three_pl_by_status ON routing.orders (three_pl_id, status, id)
    WHERE connection_id IS NOT NULL;
CREATE INDEX orders_of_brand_by_update ON routing.orders (brand_id, updated_at);
CREATE INDEX orders_of_three_pl_by_update ON routing.orders (three_pl_id, updated_at)
    WHERE connection_id IS NOT NULL;
CREATE INDEX handovers_of_brand ON routing.handovers (brand_id, id);
CREATE INDEX handovers_of_three_pl ON routing.handovers (three_pl_id, id);

ALTER TABLE routing.order_history ADD COLUMN times integer NOT NULL DEFAULT 1;
COMMENT ON COLUMN routing.order_history.times IS
    'how many stale messages met the order at this sequence; `at` is of the last';
DELETE FROM routing.order_history h USING routing.order_history newer
WHERE h.kind = 'stale' AND newer.kind = 'stale' AND newer.order_id = h.order_id
  AND newer.sequence = h.sequence AND newer.id > h.id;
CREATE UNIQUE INDEX order_history_stale ON routing.order_history (order_id, sequence)
    WHERE kind = 'stale';
"""


def upgrade() -> None:
    migration.run(HOLDS)
    migration.run(SNAPSHOTS)
    migration.run(LISTS)


def downgrade() -> None:
    migration.run(
        """
        DROP INDEX routing.order_history_stale, routing.handovers_of_brand,
            routing.handovers_of_three_pl, routing.orders_of_brand_by_status,
            routing.orders_of_three_pl_by_status, routing.orders_of_brand_by_update,
            routing.orders_of_three_pl_by_update;
        ALTER TABLE routing.order_history DROP COLUMN times;
        DROP VIEW routing.order_summaries;
        CREATE VIEW routing.order_summaries AS
        SELECT id, store_id, external_id, brand_id, three_pl_id, connection_id, status, version,
               sequence, settings_version, created_at, updated_at, payload->>'number' AS number,
               payload->>'total' AS total, payload->>'currency' AS currency
        FROM routing.orders;
        ALTER TABLE routing.orders
            DROP COLUMN shipping_rules_owner, DROP COLUMN billing_owner,
            DROP COLUMN support_owner, DROP COLUMN accepted_at, DROP COLUMN source_created_at,
            DROP COLUMN number, DROP COLUMN total, DROP COLUMN currency;
        ALTER TABLE routing.connections
            DROP COLUMN shipping_rules_owner, DROP COLUMN billing_owner,
            DROP COLUMN support_owner, DROP COLUMN effective_at;
        ALTER TABLE routing.settings DROP COLUMN effective_at;
        DROP FUNCTION routing.standing_holds(uuid);
        DROP TABLE routing.holds;
        """
    )
