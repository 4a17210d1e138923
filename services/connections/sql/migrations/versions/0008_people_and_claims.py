"""People and their memberships; mailed links; claims with stores of their own.

Addresses and passwords of accounts become people. Nobody had proven an address before: whoever had
a password sets a new one by a mailed link.
"""

from shared.postgres import migration

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    migration.run(
        """
        CREATE TABLE connections.people (
            id uuid PRIMARY KEY,
            email text NOT NULL UNIQUE CHECK (email = lower(email)),
            password_hash text,
            language text NOT NULL DEFAULT 'en',
            created_at timestamptz NOT NULL DEFAULT now()
        );
        COMMENT ON COLUMN connections.people.password_hash IS
            'argon2id; null until a mailed link has set one';

        CREATE TABLE connections.memberships (
            person_id uuid NOT NULL REFERENCES connections.people,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            role text NOT NULL CHECK (role IN ('owner', 'operator', 'viewer')),
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (person_id, account_id)
        );
        CREATE INDEX memberships_account ON connections.memberships (account_id);
        COMMENT ON TABLE connections.memberships IS
            'an account without one is a claim: nobody can act in it';

        CREATE TABLE connections.mailed_links (
            digest text PRIMARY KEY,
            purpose text NOT NULL
                CHECK (purpose IN ('sign_up', 'reset_password', 'accept', 'stop_mail')),
            email text NOT NULL,
            account_kind text,
            account_name text,
            language text NOT NULL,
            connection_id uuid REFERENCES connections.connections,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz NOT NULL,
            used_at timestamptz,
            used_by uuid REFERENCES connections.people
        );
        CREATE INDEX mailed_links_email ON connections.mailed_links (email, purpose)
            WHERE used_at IS NULL;
        CREATE INDEX mailed_links_expires ON connections.mailed_links (expires_at);
        COMMENT ON TABLE connections.mailed_links IS
            'what went to an address and nowhere else: who has the token reads the mailbox';

        CREATE TABLE connections.mail_opt_outs (
            recipient bytea NOT NULL,
            account_id uuid NOT NULL REFERENCES connections.accounts,
            created_at timestamptz NOT NULL DEFAULT now(),
            PRIMARY KEY (recipient, account_id)
        );
        COMMENT ON TABLE connections.mail_opt_outs IS
            'SHA-256 of an address that wants no more mails which this account causes';

        INSERT INTO connections.people (id, email)
        SELECT gen_random_uuid(), lower(email) FROM connections.accounts
        WHERE password_hash IS NOT NULL;
        INSERT INTO connections.memberships (person_id, account_id, role)
        SELECT p.id, a.id, 'owner'
        FROM connections.accounts a JOIN connections.people p ON p.email = lower(a.email)
        WHERE a.password_hash IS NOT NULL;
        ALTER TABLE connections.accounts DROP COLUMN email, DROP COLUMN password_hash;

        ALTER TABLE connections.stores
            DROP CONSTRAINT stores_platform_domain_key,
            ADD COLUMN former_brand_id uuid REFERENCES connections.accounts,
            ADD COLUMN alias_of uuid REFERENCES connections.stores,
            ADD CHECK (alias_of IS NULL OR former_brand_id IS NOT NULL);
        CREATE UNIQUE INDEX stores_of_brand
            ON connections.stores (brand_id, platform, domain) WHERE alias_of IS NULL;
        CREATE INDEX stores_of_domain ON connections.stores (platform, domain);
        CREATE INDEX stores_aliases ON connections.stores (alias_of) WHERE alias_of IS NOT NULL;
        DROP INDEX connections.stores_brand;
        COMMENT ON COLUMN connections.stores.former_brand_id IS
            'the claim that it was in before its brand accepted';
        COMMENT ON COLUMN connections.stores.alias_of IS
            'the store of the same brand and shop that its orders count for';

        ALTER TABLE connections.brand_profiles
            ADD COLUMN id uuid,
            ADD COLUMN language text NOT NULL DEFAULT 'en';
        UPDATE connections.brand_profiles SET id = brand_id;
        ALTER TABLE connections.brand_profiles
            DROP CONSTRAINT brand_profiles_pkey,
            ADD PRIMARY KEY (three_pl_id, id);
        ALTER TABLE connections.brand_profiles RENAME COLUMN brand_id TO account_id;
        CREATE INDEX brand_profiles_account ON connections.brand_profiles (account_id);
        COMMENT ON COLUMN connections.brand_profiles.account_id IS
            'the claim at first; the account of the client once it has accepted into one';

        ALTER TABLE connections.login_links DROP COLUMN redeemed_at;
        """
    )


def downgrade() -> None:
    raise NotImplementedError("addresses have become people: restore a backup of before")
