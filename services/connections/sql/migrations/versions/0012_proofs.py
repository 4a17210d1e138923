"""Proven stores, the challenges and the log of them; blocked 3PLs; what the sweep looks for."""

from shared.postgres import migration

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# The view of revision 0010, and whether the store is proven.
_DETAILS = """
    CREATE OR REPLACE VIEW connections.connection_details AS
    SELECT c.id, c.store_id, c.brand_id, c.three_pl_id, c.state, c.version, c.epoch,
           c.priority, c.settings_version, c.created_at, c.changed_at, s.platform, s.domain,
           b.name AS brand_name, t.name AS three_pl_name, t.plan AS three_pl_plan,
           v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
           coalesce(e.masked_url, e.url) AS webhook_url, c.delegation{more}
    FROM connections.connections c
    JOIN connections.stores s ON s.id = c.store_id
    JOIN connections.accounts b ON b.id = c.brand_id
    JOIN connections.accounts t ON t.id = c.three_pl_id
    JOIN connections.settings_versions v
        ON v.connection_id = c.id AND v.version = c.settings_version
    LEFT JOIN connections.endpoints e ON e.id = v.endpoint_id;
"""


def upgrade() -> None:
    migration.run(
        """
        ALTER TABLE connections.stores
            ADD COLUMN proven_at timestamptz,
            ADD COLUMN proven_by text CHECK (proven_by IN ('well_known', 'meta_tag', 'dns_txt')),
            ADD CHECK ((proven_at IS NULL) = (proven_by IS NULL)),
            ADD CHECK (alias_of IS NULL OR proven_at IS NULL);
        CREATE UNIQUE INDEX stores_proven
            ON connections.stores (platform, domain) WHERE proven_at IS NOT NULL;
        COMMENT ON COLUMN connections.stores.proven_at IS
            'when its domain answered with the challenge of its brand; of one shop one at most';

        CREATE TABLE connections.store_challenges (
            store_id uuid NOT NULL REFERENCES connections.stores,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            token text NOT NULL,
            expires_at timestamptz NOT NULL,
            PRIMARY KEY (store_id, account_id)
        );
        CREATE INDEX store_challenges_expires ON connections.store_challenges (expires_at);
        COMMENT ON COLUMN connections.store_challenges.token IS
            'not secret: it is published at the domain';

        CREATE TABLE connections.store_audit (
            id uuid PRIMARY KEY,
            store_id uuid NOT NULL REFERENCES connections.stores,
            at timestamptz NOT NULL DEFAULT clock_timestamp(),
            account_id uuid NOT NULL REFERENCES connections.accounts,
            actor_id uuid REFERENCES connections.accounts,
            action text NOT NULL,
            proven_by text
        );
        CREATE INDEX store_audit_store ON connections.store_audit (store_id, id);
        COMMENT ON COLUMN connections.store_audit.account_id IS
            'who caused it; of a lost proof another account, which those of the store may not see';

        CREATE TABLE connections.blocks (
            account_id uuid NOT NULL REFERENCES connections.accounts,
            three_pl_id uuid NOT NULL REFERENCES connections.accounts,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (account_id, three_pl_id)
        );
        COMMENT ON TABLE connections.blocks IS
            '3PLs that a brand wants no mails and no new connections of';

        CREATE INDEX login_links_created ON connections.login_links (created_at);
        CREATE INDEX mailed_links_created ON connections.mailed_links (created_at);
        CREATE INDEX connections_pending ON connections.connections (created_at)
            WHERE state = 'pending';
        """
    )
    migration.run(_DETAILS.format(more=",\n           s.proven_at IS NOT NULL AS is_proven"))


def downgrade() -> None:
    migration.run("DROP VIEW connections.connection_details;")
    migration.run(_DETAILS.format(more=""))
    migration.run(
        """
        DROP INDEX connections.connections_pending, connections.mailed_links_created,
            connections.login_links_created;
        DROP TABLE connections.blocks, connections.store_audit, connections.store_challenges;
        ALTER TABLE connections.stores DROP COLUMN proven_at, DROP COLUMN proven_by;
        """
    )
