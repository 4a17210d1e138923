"""A claim's store that a brand accepted: what its orders count for from then on."""

from shared.postgres import migration

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE routing.moved_stores (
            id uuid PRIMARY KEY,
            store_id uuid NOT NULL,
            brand_id uuid NOT NULL,
            version integer NOT NULL,
            moved_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON TABLE routing.moved_stores IS
            'stores of claims that were accepted; written behind the closed gate of both stores';
        COMMENT ON COLUMN routing.moved_stores.store_id IS
            'what orders of this id count for: itself, or the store that it is an alias of';
        CREATE INDEX moved_stores_by_store ON routing.moved_stores (store_id);

        -- They go with an order that is removed; the other index has only those that stand.
        CREATE INDEX holds_of_order ON routing.holds (order_id);
        """
    )


def downgrade() -> None:
    migration.run("DROP INDEX routing.holds_of_order; DROP TABLE routing.moved_stores;")
