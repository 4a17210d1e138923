"""Erasures are noted when they are read, and done in the background."""

from shared.postgres import erased_accounts, migration

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(erased_accounts.ADD_EMPTIED.format(schema="webhooks"))


def downgrade() -> None:
    migration.run(erased_accounts.DROP_EMPTIED.format(schema="webhooks"))
