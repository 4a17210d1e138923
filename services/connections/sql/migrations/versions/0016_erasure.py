"""When an account's personal data was erased; the audit log names endpoints, not their URLs.

What is only added to cannot be erased. An entry that changed a webhook finds its endpoints by the
settings version that was written with it, just before it and under the same lock.
"""

from shared.postgres import migration

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_NAME_ENDPOINTS = """
    UPDATE connections.audit a
    SET before = (a.before - 'webhook_url')
            || jsonb_build_object('webhook_endpoint_id', former.endpoint_id),
        after = (a.after - 'webhook_url')
            || jsonb_build_object('webhook_endpoint_id', v.endpoint_id)
    FROM connections.settings_versions v
    LEFT JOIN connections.settings_versions former
        ON former.connection_id = v.connection_id AND former.version = v.version - 1
    WHERE a.after ? 'webhook_url' AND v.connection_id = a.connection_id
        AND v.version = (SELECT max(w.version) FROM connections.settings_versions w
                         WHERE w.connection_id = a.connection_id AND w.created_at <= a.at);
"""
_NAME_URLS = """
    UPDATE connections.audit a
    SET {column} = (a.{column} - 'webhook_endpoint_id') || jsonb_build_object('webhook_url',
        (SELECT coalesce(e.masked_url, e.url) FROM connections.endpoints e
         WHERE e.id = (a.{column} ->> 'webhook_endpoint_id')::uuid))
    WHERE a.{column} ? 'webhook_endpoint_id';
"""


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.accounts ADD COLUMN erased_at timestamptz;
        COMMENT ON COLUMN connections.accounts.erased_at IS
            'since when nothing personal is kept of it; nobody acts in it any more';
        """
    )
    migration.run(_NAME_ENDPOINTS)


def downgrade() -> None:
    for column in ("before", "after"):
        migration.run(_NAME_URLS.format(column=column))
    migration.run("ALTER TABLE connections.accounts DROP COLUMN erased_at;")
