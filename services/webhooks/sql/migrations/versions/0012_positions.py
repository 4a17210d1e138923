"""How far orders.events has been handled, beside the deliveries."""

from shared.postgres import migration
from shared.postgres.positions import CREATE_V1

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# A schema that knows events has read what Kafka's offsets say; an empty one reads the log from its
# start, whatever they say.
_ADOPT = """
INSERT INTO webhooks.positions (topic, partition, next_offset)
SELECT 'orders.events', -1, 0 WHERE EXISTS (SELECT FROM webhooks.events);
"""


def upgrade() -> None:
    migration.run(CREATE_V1.format(schema="webhooks"))
    migration.run(_ADOPT)


def downgrade() -> None:
    migration.run("DROP TABLE webhooks.positions")
