"""Orders, their history, the projection of connections, hand-overs and the outbox."""

from shared.postgres import migration
from shared.postgres.outbox import CREATE_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE routing.connections (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid NOT NULL,
    state text NOT NULL,
    version integer NOT NULL,
    epoch integer NOT NULL,
    priority integer NOT NULL,
    settings_version integer NOT NULL,
    endpoint_id uuid,
    changed_at timestamptz NOT NULL
);
COMMENT ON TABLE routing.connections IS
    'projection of connections.changed; batches lock its rows FOR SHARE, a change FOR UPDATE';
CREATE INDEX connections_by_store ON routing.connections (store_id);

CREATE TABLE routing.settings (
    connection_id uuid NOT NULL,
    version integer NOT NULL,
    shipping_rules_owner text NOT NULL,
    billing_owner text NOT NULL,
    support_owner text NOT NULL,
    endpoint_id uuid,
    PRIMARY KEY (connection_id, version)
);
COMMENT ON TABLE routing.settings IS
    'the settings versions that orders are bound to by (connection_id, settings_version)';

CREATE TABLE routing.orders (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL,
    external_id text NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid,
    connection_id uuid,
    epoch integer,
    settings_version integer,
    endpoint_id uuid,
    status text NOT NULL,
    version integer NOT NULL,
    sequence integer NOT NULL,
    source_updated_at timestamptz NOT NULL,
    content_hash bytea NOT NULL,
    payload json,
    cancel_too_late boolean NOT NULL,
    tombstone boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (store_id, external_id),
    CHECK ((connection_id IS NULL) = (epoch IS NULL))
) WITH (fillfactor = 90);
COMMENT ON COLUMN routing.orders.connection_id IS 'the owner; null means that the brand owns it';
COMMENT ON COLUMN routing.orders.three_pl_id IS 'the 3PL that has the order, or had it last';
CREATE INDEX orders_to_hand_back ON routing.orders (connection_id, id)
    WHERE connection_id IS NOT NULL AND status IN ('open', 'on_hold');
CREATE INDEX orders_being_worked ON routing.orders (connection_id)
    WHERE connection_id IS NOT NULL
      AND status IN ('processing', 'shipped', 'cancellation_requested');
CREATE INDEX orders_of_three_pl ON routing.orders (three_pl_id, id)
    WHERE connection_id IS NOT NULL;
CREATE INDEX orders_of_brand ON routing.orders (brand_id, id);

CREATE TABLE routing.order_history (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    order_id uuid NOT NULL,
    at timestamptz NOT NULL DEFAULT now(),
    kind text NOT NULL,
    event text,
    sequence integer NOT NULL,
    status text NOT NULL,
    connection_id uuid,
    why text NOT NULL
);
CREATE INDEX order_history_of_order ON routing.order_history (order_id, id);

CREATE TABLE routing.handovers (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    three_pl_id uuid NOT NULL,
    epoch integer NOT NULL,
    reason text NOT NULL,
    state text NOT NULL CHECK (state IN ('running', 'done')),
    returned integer NOT NULL DEFAULT 0,
    stayed integer,
    started_at timestamptz NOT NULL DEFAULT now(),
    finished_at timestamptz,
    UNIQUE (connection_id, epoch)
);
COMMENT ON COLUMN routing.handovers.epoch IS
    'orders of this epoch and older ones, if in the Orders tab, go back';
CREATE INDEX handovers_running ON routing.handovers (id) WHERE state = 'running';
"""


def upgrade() -> None:
    migration.run(TABLES)
    migration.run(CREATE_V1.format(schema="routing"))


def downgrade() -> None:
    migration.run("DROP SCHEMA routing CASCADE")
