"""Deliveries that a return made pointless, and what is known of attempts that left no outcome."""

from shared.postgres import migration

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

MARK = """
ALTER TABLE webhooks.deliveries ADD COLUMN may_have_begun boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN webhooks.deliveries.may_have_begun IS
    'an attempt was cut off, or a lease was lost whose holder may have attempted it';
COMMENT ON COLUMN webhooks.deliveries.lease_owner IS
    'the process that has it; of a superseded one: it may still be at it, or has not heard';
COMMENT ON COLUMN webhooks.deliveries.state IS
    'pending → delivered | retrying | exhausted; retrying → delivered | exhausted; '
    'pending | retrying → parked → where it was; any unfinished → superseded, '
    'and from there → delivered by an attempt that was under way';
"""

# What processes have not let go of yet: next to nothing, and looked at every second.
INDEX = """
CREATE INDEX deliveries_superseded ON webhooks.deliveries (lease_owner)
    WHERE state = 'superseded' AND lease_owner IS NOT NULL;
"""


def upgrade() -> None:
    migration.run(MARK)
    migration.run(INDEX)


def downgrade() -> None:
    migration.run("DROP INDEX webhooks.deliveries_superseded")
    migration.run("ALTER TABLE webhooks.deliveries DROP COLUMN may_have_begun")
