"""Keys that Kafka does not take are set aside; the others go on."""

from shared.postgres import migration
from shared.postgres.outbox_table import CREATE_V2, DROP_V2

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(CREATE_V2.format(schema="routing"))


def downgrade() -> None:
    migration.run(DROP_V2.format(schema="routing"))
