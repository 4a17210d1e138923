"""All audit entries in one place, with what may be shown of the URLs that they are about."""

from shared.postgres import migration

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_VIEW = """
    CREATE VIEW connections.audit_entries AS
    SELECT a.id, a.at, a.connection_id, c.store_id, c.brand_id, c.three_pl_id, a.account_id,
           a.actor_id, a.action,
           CASE WHEN a.before ? 'webhook_endpoint_id'
                THEN a.before - 'webhook_endpoint_id'
                    || jsonb_build_object('webhook_url', coalesce(former.masked_url, former.url))
                ELSE a.before END AS before,
           CASE WHEN a.after ? 'webhook_endpoint_id'
                THEN a.after - 'webhook_endpoint_id'
                    || jsonb_build_object('webhook_url', coalesce(later.masked_url, later.url))
                ELSE a.after END AS after
    FROM connections.audit a
    JOIN connections.connections c ON c.id = a.connection_id
    LEFT JOIN connections.endpoints former
        ON former.id = (a.before ->> 'webhook_endpoint_id')::uuid
    LEFT JOIN connections.endpoints later
        ON later.id = (a.after ->> 'webhook_endpoint_id')::uuid
    UNION ALL
    SELECT a.id, a.at, NULL, a.store_id, s.brand_id, NULL, a.account_id, a.actor_id, a.action,
           '{}'::jsonb, jsonb_build_object('proven_by', a.proven_by)
    FROM connections.store_audit a
    JOIN connections.stores s ON s.id = a.store_id;
    COMMENT ON VIEW connections.audit_entries IS
        'of connections, and of stores: those have no connection and no 3PL';
"""


def upgrade() -> None:
    migration.run(_VIEW)


def downgrade() -> None:
    migration.run("DROP VIEW connections.audit_entries;")
