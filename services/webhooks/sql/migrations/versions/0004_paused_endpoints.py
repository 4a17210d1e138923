"""Receivers that ask to wait (`Retry-After`) are left alone as a whole."""

from shared.postgres import migration

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

PAUSE = """
ALTER TABLE webhooks.endpoints ADD COLUMN paused_until timestamptz;
COMMENT ON COLUMN webhooks.endpoints.paused_until IS
    'the receiver asked for nothing before then; it ends by time, or when the endpoint is enabled';
"""


def upgrade() -> None:
    migration.run(PAUSE)


def downgrade() -> None:
    migration.run("ALTER TABLE webhooks.endpoints DROP COLUMN paused_until")
