"""A store may be proven by its platform's admin API."""

from shared.postgres import migration

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.stores
            DROP CONSTRAINT stores_proven_by_check,
            ADD CONSTRAINT stores_proven_by_check
                CHECK (proven_by IN ('well_known', 'meta_tag', 'dns_txt', 'admin_api'));
        """
    )
