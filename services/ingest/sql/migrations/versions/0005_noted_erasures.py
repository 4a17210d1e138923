"""Erasures are noted when they are read, and done in the background."""

from shared.postgres import erased_accounts, migration

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(erased_accounts.ADD_EMPTIED.format(schema="ingest"))


def downgrade() -> None:
    migration.run(erased_accounts.DROP_EMPTIED.format(schema="ingest"))
