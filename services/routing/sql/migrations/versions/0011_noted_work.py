"""Moves and erasures are noted when they are read, and done in the background."""

from shared.postgres import migration

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

# All are unfinished at first: whether those of before were is in Kafka's offsets, and nothing is
# left to do for most. A move of before lacks what its mover needs, until its store is read again.
_UP = """
ALTER TABLE routing.moved_stores
    ADD COLUMN former_brand_id uuid,
    ADD COLUMN payment_rules text,
    ADD COLUMN finished_at timestamptz;
COMMENT ON COLUMN routing.moved_stores.former_brand_id IS
    'whose orders move; null of a release before, until the store is read again';
COMMENT ON COLUMN routing.moved_stores.finished_at IS
    'when the last of its orders had moved; null while that is still to be done';
CREATE INDEX moved_stores_unfinished ON routing.moved_stores (moved_at)
    WHERE finished_at IS NULL;
ALTER TABLE routing.erased_accounts ADD COLUMN emptied_at timestamptz;
COMMENT ON COLUMN routing.erased_accounts.emptied_at IS
    'when all of it was erased; null while that is still to be done';
CREATE INDEX erased_accounts_noted ON routing.erased_accounts (erased_at)
    WHERE emptied_at IS NULL;
"""
_DOWN = """
DROP INDEX routing.erased_accounts_noted;
ALTER TABLE routing.erased_accounts DROP COLUMN emptied_at;
DROP INDEX routing.moved_stores_unfinished;
ALTER TABLE routing.moved_stores
    DROP COLUMN former_brand_id, DROP COLUMN payment_rules, DROP COLUMN finished_at;
"""


def upgrade() -> None:
    migration.run(_UP)


def downgrade() -> None:
    migration.run(_DOWN)
