"""An outbox for notices, and tallies of deliveries that failed for good."""

from shared.postgres import migration, tallies
from shared.postgres.outbox import CREATE_V1
from shared.postgres.outbox_table import CREATE_V2

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for script in (CREATE_V1, CREATE_V2, tallies.CREATE):
        migration.run(script.format(schema="webhooks"))


def downgrade() -> None:
    migration.run(tallies.DROP.format(schema="webhooks"))
    migration.run(
        """
        DROP TABLE webhooks.outbox_aside;
        DROP TABLE webhooks.outbox;
        DROP FUNCTION webhooks.outbox_wake();
        """
    )
