"""Endpoints, events, deliveries and their attempts."""

from shared.postgres import migration

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TABLES = """
CREATE TABLE webhooks.endpoints (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL,
    three_pl_id uuid NOT NULL,
    store_id uuid NOT NULL,
    url text NOT NULL,
    sealed_secrets text[] NOT NULL,
    version integer NOT NULL,
    state text NOT NULL DEFAULT 'enabled' CHECK (state IN ('enabled', 'disabled')),
    disabled_reason text,
    updated_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE webhooks.endpoints IS
    'projection of connections.changed; the state is our own: a receiver that answers 410 is left';
COMMENT ON COLUMN webhooks.endpoints.version IS 'of the connection that told of it last';
CREATE INDEX endpoints_by_update ON webhooks.endpoints (updated_at);

CREATE TABLE webhooks.events (
    id uuid PRIMARY KEY,
    order_id uuid NOT NULL,
    store_id uuid NOT NULL,
    brand_id uuid NOT NULL,
    connection_id uuid,
    three_pl_id uuid,
    type text NOT NULL,
    sequence integer NOT NULL,
    body bytea NOT NULL,
    traceparent text,
    created_at timestamptz NOT NULL DEFAULT now()
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
COMMENT ON COLUMN webhooks.events.body IS
    'the value of orders.events as it came: these bytes are signed and sent, and never parsed';
-- Lists go by these: events never change, so the indexes are written once per event.
CREATE INDEX events_of_three_pl ON webhooks.events (three_pl_id, id);
CREATE INDEX events_of_brand ON webhooks.events (brand_id, id);

CREATE TABLE webhooks.deliveries (
    id uuid PRIMARY KEY,
    event_id uuid NOT NULL,
    endpoint_id uuid NOT NULL,
    order_id uuid NOT NULL,
    sequence integer NOT NULL,
    state text NOT NULL CHECK (state IN ('pending', 'delivered', 'retrying', 'exhausted',
                                         'parked', 'superseded', 'canceled')),
    attempts integer NOT NULL DEFAULT 0,
    due_at timestamptz NOT NULL,
    lease_owner uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    delivered_at timestamptz,
    UNIQUE (event_id, endpoint_id)
) WITH (fillfactor = 85, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 20000,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 20000);
COMMENT ON COLUMN webhooks.deliveries.state IS
    'pending → delivered | retrying → delivered | exhausted; any unfinished → parked';
COMMENT ON COLUMN webhooks.deliveries.due_at IS
    'when it may be claimed: the next attempt, or the end of the lease of lease_owner';
COMMENT ON COLUMN webhooks.deliveries.event_id IS
    'inserted by the same statement as its event; a foreign key would look it up once more';
-- Only what is unfinished: both stay small however many were delivered.
CREATE INDEX deliveries_due ON webhooks.deliveries (endpoint_id, state, due_at, id)
    WHERE state IN ('pending', 'retrying');
CREATE INDEX deliveries_in_lane ON webhooks.deliveries (endpoint_id, order_id, sequence)
    WHERE state IN ('pending', 'retrying', 'parked');

CREATE TABLE webhooks.attempts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    delivery_id uuid NOT NULL,
    number integer NOT NULL,
    at timestamptz NOT NULL,
    duration_ms integer NOT NULL,
    status integer,
    error text,
    response_head text
) WITH (autovacuum_vacuum_insert_scale_factor = 0, autovacuum_vacuum_insert_threshold = 50000);
COMMENT ON TABLE webhooks.attempts IS
    'every HTTP try; two of one number mean that a lease ran out while an answer was awaited';
CREATE INDEX attempts_of_delivery ON webhooks.attempts (delivery_id);
"""


def upgrade() -> None:
    migration.run(TABLES)


def downgrade() -> None:
    migration.run("DROP SCHEMA webhooks CASCADE")
