"""Accounts, stores, connections with their settings versions and audit log, and the outbox."""

from shared.postgres import migration
from shared.postgres.outbox import CREATE_V1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_TABLES = """
CREATE TABLE connections.accounts (
    id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('brand', 'three_pl')),
    name text NOT NULL,
    email text NOT NULL,
    password_hash text,
    plan text NOT NULL DEFAULT 'free' CHECK (plan IN ('free', 'conquer')),
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX accounts_email ON connections.accounts (lower(email));
COMMENT ON COLUMN connections.accounts.password_hash IS
    'argon2id; null until the first login of a brand that its 3PL added';

CREATE TABLE connections.stores (
    id uuid PRIMARY KEY,
    brand_id uuid NOT NULL REFERENCES connections.accounts,
    platform text NOT NULL CHECK (platform IN ('shopify', 'woocommerce', 'custom')),
    domain text NOT NULL,
    version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (platform, domain)
);
CREATE INDEX stores_brand ON connections.stores (brand_id);

CREATE TABLE connections.store_credentials (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES connections.stores,
    kind text NOT NULL,
    digest text,
    sealed_secret text,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL REFERENCES connections.accounts,
    revoked_at timestamptz,
    revoked_by uuid REFERENCES connections.accounts
);
CREATE INDEX store_credentials_store ON connections.store_credentials (store_id)
    WHERE revoked_at IS NULL;

CREATE TABLE connections.brand_profiles (
    three_pl_id uuid NOT NULL REFERENCES connections.accounts,
    brand_id uuid NOT NULL REFERENCES connections.accounts,
    contact_name text NOT NULL,
    contact_email text NOT NULL,
    company_name text NOT NULL,
    warehouse text,
    monthly_order_range text,
    priorities text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (three_pl_id, brand_id)
);
COMMENT ON TABLE connections.brand_profiles IS
    'the Add Brand form as one 3PL filled it in; no other 3PL sees or changes it';

CREATE TABLE connections.connections (
    id uuid PRIMARY KEY,
    store_id uuid NOT NULL REFERENCES connections.stores,
    brand_id uuid NOT NULL REFERENCES connections.accounts,
    three_pl_id uuid NOT NULL REFERENCES connections.accounts,
    state text NOT NULL
        CHECK (state IN ('pending', 'inactive', 'active', 'disconnected', 'expired')),
    version integer NOT NULL DEFAULT 1,
    epoch integer NOT NULL DEFAULT 0,
    priority integer NOT NULL DEFAULT 100,
    settings_version integer NOT NULL DEFAULT 1,
    created_at timestamptz NOT NULL DEFAULT now(),
    changed_at timestamptz NOT NULL DEFAULT now()
);
CREATE UNIQUE INDEX connections_live ON connections.connections (three_pl_id, store_id)
    WHERE state IN ('pending', 'inactive', 'active');
CREATE UNIQUE INDEX connections_active_priority ON connections.connections (store_id, priority)
    WHERE state = 'active';
CREATE INDEX connections_brand ON connections.connections (brand_id, id);
CREATE INDEX connections_three_pl ON connections.connections (three_pl_id, id);
CREATE INDEX connections_store ON connections.connections (store_id);

CREATE TABLE connections.endpoints (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections.connections,
    url text NOT NULL,
    sealed_secrets text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (connection_id, url)
);

CREATE TABLE connections.settings_versions (
    connection_id uuid NOT NULL REFERENCES connections.connections,
    version integer NOT NULL,
    shipping_rules_owner text NOT NULL CHECK (shipping_rules_owner IN ('brand', 'three_pl')),
    billing_owner text NOT NULL CHECK (billing_owner IN ('brand', 'three_pl')),
    support_owner text NOT NULL CHECK (support_owner IN ('brand', 'three_pl')),
    endpoint_id uuid REFERENCES connections.endpoints,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by uuid NOT NULL REFERENCES connections.accounts,
    PRIMARY KEY (connection_id, version)
);

CREATE TABLE connections.audit (
    id uuid PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections.connections,
    at timestamptz NOT NULL DEFAULT clock_timestamp(),
    account_id uuid NOT NULL REFERENCES connections.accounts,
    actor_id uuid REFERENCES connections.accounts,
    action text NOT NULL,
    before jsonb NOT NULL,
    after jsonb NOT NULL
);
CREATE INDEX audit_connection ON connections.audit (connection_id, id);
COMMENT ON COLUMN connections.audit.actor_id IS
    'who acted on behalf of account_id; null when the account acted for itself';

CREATE TABLE connections.login_links (
    digest text PRIMARY KEY,
    connection_id uuid NOT NULL REFERENCES connections.connections,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz NOT NULL,
    redeemed_at timestamptz,
    replaced_at timestamptz
);
CREATE INDEX login_links_connection ON connections.login_links (connection_id);

CREATE TABLE connections.idempotency_keys (
    scope text NOT NULL,
    key text NOT NULL,
    sealed_answer text,
    created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (scope, key)
);
CREATE INDEX idempotency_keys_created ON connections.idempotency_keys (created_at);
"""


def upgrade() -> None:
    migration.run(_TABLES)
    migration.run(CREATE_V1.format(schema="connections"))


def downgrade() -> None:
    migration.run(
        """
        DROP TABLE connections.outbox, connections.idempotency_keys, connections.login_links,
            connections.audit, connections.settings_versions, connections.endpoints,
            connections.connections, connections.brand_profiles, connections.store_credentials,
            connections.stores, connections.accounts;
        DROP FUNCTION connections.outbox_wake();
        """
    )
