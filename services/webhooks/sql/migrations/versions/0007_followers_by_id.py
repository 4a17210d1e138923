"""What waits for its lane, by id: looked through page by page for what nobody will let go."""

from shared.postgres import migration

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

# Only followers are in it, and never for long: heads, which most deliveries are, cost nothing.
INDEX = """
CREATE INDEX deliveries_behind_head ON webhooks.deliveries (id)
    WHERE state IN ('pending', 'retrying') AND due_at = 'infinity';
"""


def upgrade() -> None:
    migration.run(INDEX)


def downgrade() -> None:
    migration.run("DROP INDEX webhooks.deliveries_behind_head")
