"""How far `notices` was handled, beside its effects; what came back from the log is nobody's."""

from shared.postgres import migration
from shared.postgres.positions import CREATE_V1

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# A schema that knows accounts has read what Kafka's offsets say; an empty one reads the log from
# its start, whatever they say.
_ADOPT = """
INSERT INTO connections.positions (topic, partition, next_offset)
SELECT 'notices', -1, 0 WHERE EXISTS (SELECT FROM connections.accounts);
"""


def upgrade() -> None:
    migration.run(CREATE_V1.format(schema="connections"))
    migration.run(_ADOPT)
    migration.run(
        """
        ALTER TABLE connections.audit ALTER COLUMN account_id DROP NOT NULL;
        ALTER TABLE connections.store_audit ALTER COLUMN account_id DROP NOT NULL;
        ALTER TABLE connections.settings_versions ALTER COLUMN created_by DROP NOT NULL;
        COMMENT ON COLUMN connections.audit.account_id IS
            'who acted; null: nobody, it was taken over from the log';
        COMMENT ON COLUMN connections.settings_versions.created_by IS
            'null: it was taken over from the log, which does not say who made it';
        """
    )


def downgrade() -> None:
    # Only a database that has taken nothing over goes back.
    migration.run(
        """
        ALTER TABLE connections.audit ALTER COLUMN account_id SET NOT NULL;
        ALTER TABLE connections.store_audit ALTER COLUMN account_id SET NOT NULL;
        ALTER TABLE connections.settings_versions ALTER COLUMN created_by SET NOT NULL;
        DROP TABLE connections.positions;
        """
    )
