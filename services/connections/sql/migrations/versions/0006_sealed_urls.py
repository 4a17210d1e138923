"""Webhook URLs are sealed: their paths and queries carry the tokens of 3PLs.

SQL cannot seal. What stands here in plain is sealed by the service at its start, in batches
(`connection/sealing.py`); until then both columns are read. The audit log never needed more than
the origin: it is cut down to it here.
"""

from shared.postgres import migration

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_VIEW = """
    CREATE OR REPLACE VIEW connections.connection_details AS
    SELECT c.id, c.store_id, c.brand_id, c.three_pl_id, c.state, c.version, c.epoch,
           c.priority, c.settings_version, c.created_at, c.changed_at, s.platform, s.domain,
           b.name AS brand_name, t.name AS three_pl_name, t.plan AS three_pl_plan,
           v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
           {url} AS webhook_url
    FROM connections.connections c
    JOIN connections.stores s ON s.id = c.store_id
    JOIN connections.accounts b ON b.id = c.brand_id
    JOIN connections.accounts t ON t.id = c.three_pl_id
    JOIN connections.settings_versions v
        ON v.connection_id = c.id AND v.version = c.settings_version
    LEFT JOIN connections.endpoints e ON e.id = v.endpoint_id;
"""
_ORIGIN = r"regexp_replace({column} ->> 'webhook_url', '^([^/?#]*//[^/?#]*).+$', '\1/…')"
_MASK_AUDIT = """
    UPDATE connections.audit
    SET {column} = jsonb_set({column}, '{{webhook_url}}', to_jsonb({origin}))
    WHERE {column} ->> 'webhook_url' IS NOT NULL;
"""


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.endpoints
            ALTER COLUMN url DROP NOT NULL,
            ADD COLUMN sealed_url text,
            ADD COLUMN masked_url text,
            ADD COLUMN url_digest text,
            ADD CHECK ((url IS NULL) = (sealed_url IS NOT NULL)),
            ADD CHECK ((sealed_url IS NULL) = (masked_url IS NULL)),
            ADD CHECK ((sealed_url IS NULL) = (url_digest IS NULL)),
            ADD UNIQUE (connection_id, url_digest);
        COMMENT ON COLUMN connections.endpoints.url IS
            'plain, of before; null once the service has sealed it';
        COMMENT ON COLUMN connections.endpoints.sealed_url IS
            'sealed for endpoint-url:<id>';
        COMMENT ON COLUMN connections.endpoints.masked_url IS
            'what may be shown of it: no value of the query, no secret of the path';
        COMMENT ON COLUMN connections.endpoints.url_digest IS
            'keyed digest: a connection has a URL once';
        CREATE INDEX endpoints_plain ON connections.endpoints (id) WHERE url IS NOT NULL;
        """
    )
    migration.run(_VIEW.format(url="coalesce(e.masked_url, e.url)"))
    for column in ("before", "after"):
        migration.run(_MASK_AUDIT.format(column=column, origin=_ORIGIN.format(column=column)))


def downgrade() -> None:
    # A sealed URL cannot be opened here: only a database without one goes back.
    migration.run(_VIEW.format(url="e.url"))
    migration.run(
        """
        ALTER TABLE connections.endpoints
            ALTER COLUMN url SET NOT NULL,
            DROP COLUMN sealed_url, DROP COLUMN masked_url, DROP COLUMN url_digest;
        DROP INDEX connections.endpoints_plain;
        """
    )
