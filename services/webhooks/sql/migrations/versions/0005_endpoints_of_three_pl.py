"""A 3PL's list of endpoints by an index in the order of its pages."""

from shared.postgres import migration

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run("CREATE INDEX endpoints_of_three_pl ON webhooks.endpoints (three_pl_id, id)")


def downgrade() -> None:
    migration.run("DROP INDEX webhooks.endpoints_of_three_pl")
