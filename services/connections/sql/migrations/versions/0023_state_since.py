"""Shows since when a connection is in its state: what routing decides late goes by it."""

from shared.postgres import migration

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


# The view as it was before, and what it gets here.
_VIEW = """
    CREATE OR REPLACE VIEW connections.connection_details AS
    SELECT c.id, c.store_id, c.brand_id, c.three_pl_id, c.state, c.version, c.epoch,
           c.priority, c.settings_version, c.created_at, c.changed_at, s.platform, s.domain,
           b.name AS brand_name, t.name AS three_pl_name, t.plan AS three_pl_plan,
           v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
           coalesce(e.masked_url, e.url) AS webhook_url, c.delegation,
           s.proven_at IS NOT NULL AS is_proven, c.waits_since,
           EXISTS (SELECT FROM connections.login_links l
                   WHERE l.connection_id = c.id AND l.replaced_at IS NULL
                       AND l.expires_at > now())
           OR EXISTS (SELECT FROM connections.mailed_links m
                      WHERE m.connection_id = c.id AND m.purpose = 'accept'
                          AND m.used_at IS NULL AND m.expires_at > now()) AS link_is_usable,
           c.locked_settings, c.delegation_since{more}
    FROM connections.connections c
    JOIN connections.stores s ON s.id = c.store_id
    JOIN connections.accounts b ON b.id = c.brand_id
    JOIN connections.accounts t ON t.id = c.three_pl_id
    JOIN connections.settings_versions v
        ON v.connection_id = c.id AND v.version = c.settings_version
    LEFT JOIN connections.endpoints e ON e.id = v.endpoint_id;
"""


def upgrade() -> None:
    migration.run(_VIEW.format(more=", c.state_since"))


def downgrade() -> None:
    migration.run("DROP VIEW connections.connection_details;" + _VIEW.format(more=""))
