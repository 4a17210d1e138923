"""Lists of orders go by time: the order of their ids means nothing any more."""

from shared.postgres import migration

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# `orders_of_brand` stays: a move and an erasure take a brand's orders by it, chunk by chunk.
BY_TIME = """
CREATE INDEX orders_of_brand_by_time ON routing.orders (brand_id, accepted_at, id);
DROP INDEX routing.orders_of_three_pl, routing.orders_of_brand_by_status,
    routing.orders_of_three_pl_by_status;
CREATE INDEX orders_of_three_pl ON routing.orders (three_pl_id, accepted_at, id)
    WHERE connection_id IS NOT NULL;
CREATE INDEX orders_of_brand_by_status ON routing.orders (brand_id, status, accepted_at, id);
CREATE INDEX orders_of_three_pl_by_status ON routing.orders (three_pl_id, status, accepted_at, id)
    WHERE connection_id IS NOT NULL;
"""
BY_ID = """
DROP INDEX routing.orders_of_brand_by_time, routing.orders_of_three_pl,
    routing.orders_of_brand_by_status, routing.orders_of_three_pl_by_status;
CREATE INDEX orders_of_three_pl ON routing.orders (three_pl_id, id)
    WHERE connection_id IS NOT NULL;
CREATE INDEX orders_of_brand_by_status ON routing.orders (brand_id, status, id);
CREATE INDEX orders_of_three_pl_by_status ON routing.orders (three_pl_id, status, id)
    WHERE connection_id IS NOT NULL;
"""


def upgrade() -> None:
    migration.run(BY_TIME)


def downgrade() -> None:
    migration.run(BY_ID)
