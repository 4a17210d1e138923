"""Endpoints of brands, for their regular order webhooks: theirs to make, change and delete."""

from shared.postgres import migration
from shared.web.idempotency import CREATE_V1

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

ENDPOINTS = """
ALTER TABLE webhooks.endpoints
    ALTER COLUMN connection_id DROP NOT NULL,
    ALTER COLUMN three_pl_id DROP NOT NULL,
    ALTER COLUMN store_id DROP NOT NULL,
    ADD COLUMN brand_id uuid,
    ADD COLUMN event_types text[],
    ADD COLUMN store_ids uuid[],
    ADD COLUMN description text,
    ADD COLUMN former_secret_until timestamptz,
    ADD COLUMN deleted_at timestamptz,
    ADD CONSTRAINT endpoints_owner_check CHECK (
        CASE WHEN brand_id IS NULL
             THEN num_nulls(connection_id, three_pl_id, store_id) = 0 AND event_types IS NULL
             ELSE num_nonnulls(connection_id, three_pl_id, store_id, sends_to) = 0
                  AND event_types IS NOT NULL END);
COMMENT ON TABLE webhooks.endpoints IS
    'of connections: a projection of connections.changed; of brands: made here. The state is our '
    'own: a receiver that answers 410 is left';
COMMENT ON COLUMN webhooks.endpoints.version IS
    'of the connection that told of it last; of a brand''s: counts its changes, for If-Match';
COMMENT ON COLUMN webhooks.endpoints.store_ids IS 'null: of all stores of the brand';
COMMENT ON COLUMN webhooks.endpoints.former_secret_until IS
    'until then the second of the sealed secrets signs too; null: as long as it is there';
COMMENT ON COLUMN webhooks.endpoints.deleted_at IS
    'its URL and secrets are gone; the row stays for the deliveries that it had';
-- Next to nothing beside those of connections; all of them are in the memory of each process.
CREATE INDEX endpoints_of_brand ON webhooks.endpoints (brand_id, id) WHERE brand_id IS NOT NULL;
CREATE INDEX endpoints_by_former_secret ON webhooks.endpoints (former_secret_until)
    WHERE former_secret_until IS NOT NULL;
"""

VIEW = """
CREATE VIEW webhooks.delivery_details AS
SELECT d.id, e.id AS event_id, e.type, e.order_id, d.sequence, d.endpoint_id, e.connection_id,
       e.three_pl_id, e.brand_id, d.state, d.attempts, NULLIF(d.due_at, 'infinity') AS due_at,
       d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at,
       e.created_at AS event_at{is_brands}
FROM webhooks.events e JOIN webhooks.deliveries d ON d.event_id = e.id{endpoint};
"""


def upgrade() -> None:
    migration.run(ENDPOINTS)
    migration.run("DROP VIEW webhooks.delivery_details")
    migration.run(
        VIEW.format(
            # One that is not known yet is a connection's.
            is_brands=", p.brand_id IS NOT NULL AS is_brands",
            endpoint=" LEFT JOIN webhooks.endpoints p ON p.id = d.endpoint_id",
        )
    )
    migration.run(CREATE_V1.format(schema="webhooks"))


def downgrade() -> None:
    # Only a database that has none of a brand goes back.
    migration.run(
        """
        DROP TABLE webhooks.idempotency_keys;
        DROP VIEW webhooks.delivery_details;
        DROP INDEX webhooks.endpoints_by_former_secret, webhooks.endpoints_of_brand;
        ALTER TABLE webhooks.endpoints
            DROP COLUMN brand_id, DROP COLUMN event_types, DROP COLUMN store_ids,
            DROP COLUMN description, DROP COLUMN former_secret_until, DROP COLUMN deleted_at,
            ALTER COLUMN connection_id SET NOT NULL,
            ALTER COLUMN three_pl_id SET NOT NULL,
            ALTER COLUMN store_id SET NOT NULL;
        """
    )
    migration.run(VIEW.format(is_brands="", endpoint=""))
