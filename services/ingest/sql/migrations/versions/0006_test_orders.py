"""Orders to try things with, and whether a store's own orders arrive."""

from shared.postgres import migration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE ingest.test_orders (
            id uuid PRIMARY KEY,
            store_id uuid NOT NULL,
            number integer NOT NULL,
            made_at timestamptz NOT NULL DEFAULT now(),
            accepted_at timestamptz,
            cancel_at timestamptz NOT NULL,
            cancelled_at timestamptz
        );
        COMMENT ON TABLE ingest.test_orders IS
            'made by Relevo; each is cancelled when its time is over';
        COMMENT ON COLUMN ingest.test_orders.accepted_at IS
            'null: nobody knows whether it was; its end leaves no trace of one that was not';
        CREATE INDEX test_orders_of_store ON ingest.test_orders (store_id, made_at);
        CREATE INDEX test_orders_due ON ingest.test_orders (cancel_at) WHERE cancelled_at IS NULL;

        CREATE TABLE ingest.arrivals (
            store_id uuid PRIMARY KEY,
            last_accepted_at timestamptz NOT NULL,
            last_external_id text
        );
        CREATE TABLE ingest.arrival_refusals (
            store_id uuid NOT NULL,
            code text NOT NULL,
            status integer NOT NULL,
            requests bigint NOT NULL,
            last_at timestamptz NOT NULL,
            PRIMARY KEY (store_id, code)
        );
        COMMENT ON TABLE ingest.arrivals IS
            'the newest order of a store''s own; written now and then, never for each order';
        COMMENT ON TABLE ingest.arrival_refusals IS
            'requests in a store''s name that were refused or not understood, by code';
        """
    )


def downgrade() -> None:
    migration.run("DROP TABLE ingest.arrival_refusals, ingest.arrivals, ingest.test_orders")
