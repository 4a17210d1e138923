"""Tallies of what was not understood."""

from shared.postgres import migration, tallies

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(tallies.CREATE.format(schema="ingest"))


def downgrade() -> None:
    migration.run(tallies.DROP.format(schema="ingest"))
