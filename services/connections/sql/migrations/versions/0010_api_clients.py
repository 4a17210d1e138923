"""Machines: API clients with scopes and secrets; what a brand lets its 3PL do in its name."""

from shared.postgres import migration

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_VIEW = """
    CREATE OR REPLACE VIEW connections.connection_details AS
    SELECT c.id, c.store_id, c.brand_id, c.three_pl_id, c.state, c.version, c.epoch,
           c.priority, c.settings_version, c.created_at, c.changed_at, s.platform, s.domain,
           b.name AS brand_name, t.name AS three_pl_name, t.plan AS three_pl_plan,
           v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
           coalesce(e.masked_url, e.url) AS webhook_url, c.delegation
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
        CREATE TABLE connections.api_clients (
            id uuid PRIMARY KEY,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            name text NOT NULL,
            scopes text[] NOT NULL,
            valid_from integer NOT NULL,
            created_by uuid NOT NULL REFERENCES connections.people,
            created_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz
        );
        CREATE INDEX api_clients_account ON connections.api_clients (account_id, id)
            WHERE ended_at IS NULL;
        CREATE TABLE connections.api_client_secrets (
            id uuid PRIMARY KEY,
            client_id uuid NOT NULL REFERENCES connections.api_clients,
            digest text NOT NULL UNIQUE,
            created_at timestamptz NOT NULL DEFAULT now(),
            revoked_at timestamptz
        );
        CREATE INDEX api_client_secrets_client ON connections.api_client_secrets (client_id)
            WHERE revoked_at IS NULL;
        ALTER TABLE connections.connections
            ADD COLUMN delegation text NOT NULL DEFAULT 'orders'
                CHECK (delegation IN ('off', 'orders', 'credentials'));
        COMMENT ON COLUMN connections.connections.delegation IS
            'what the brand lets this 3PL do in its name: nothing, orders, or credentials as well';
        """
    )
    migration.run(_VIEW)


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE connections.api_client_secrets, connections.api_clients;
        """
    )
