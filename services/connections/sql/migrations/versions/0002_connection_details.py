"""What is shown and published of a connection, in one place; platforms are text.

Which platforms there are is asked where a store is added (`services/catalog.py`): a new one needs
no migration.
"""

from shared.postgres import migration

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.stores DROP CONSTRAINT stores_platform_check;

        CREATE VIEW connections.connection_details AS
        SELECT c.id, c.store_id, c.brand_id, c.three_pl_id, c.state, c.version, c.epoch,
               c.priority, c.settings_version, c.created_at, c.changed_at, s.platform, s.domain,
               b.name AS brand_name, t.name AS three_pl_name, t.plan AS three_pl_plan,
               v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
               e.url AS webhook_url
        FROM connections.connections c
        JOIN connections.stores s ON s.id = c.store_id
        JOIN connections.accounts b ON b.id = c.brand_id
        JOIN connections.accounts t ON t.id = c.three_pl_id
        JOIN connections.settings_versions v
            ON v.connection_id = c.id AND v.version = c.settings_version
        LEFT JOIN connections.endpoints e ON e.id = v.endpoint_id;
        """
    )


def downgrade() -> None:
    migration.run(
        """
        DROP VIEW connections.connection_details;

        -- Not validated: stores of other platforms may have come since.
        ALTER TABLE connections.stores ADD CONSTRAINT stores_platform_check
            CHECK (platform IN ('shopify', 'woocommerce', 'custom')) NOT VALID;
        """
    )
