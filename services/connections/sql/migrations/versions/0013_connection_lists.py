"""Connections are found by words and by who has to act; what they are found by."""

from shared.postgres import migration

revision = "0013"
down_revision = "0012"
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
           s.proven_at IS NOT NULL AS is_proven{more}
    FROM connections.connections c
    JOIN connections.stores s ON s.id = c.store_id
    JOIN connections.accounts b ON b.id = c.brand_id
    JOIN connections.accounts t ON t.id = c.three_pl_id
    JOIN connections.settings_versions v
        ON v.connection_id = c.id AND v.version = c.settings_version
    LEFT JOIN connections.endpoints e ON e.id = v.endpoint_id;
"""
_WAITING = """, c.waits_since,
           EXISTS (SELECT FROM connections.login_links l
                   WHERE l.connection_id = c.id AND l.replaced_at IS NULL
                       AND l.expires_at > now())
           OR EXISTS (SELECT FROM connections.mailed_links m
                      WHERE m.connection_id = c.id AND m.purpose = 'accept'
                          AND m.used_at IS NULL AND m.expires_at > now()) AS link_is_usable"""
_SINCE = """
    ALTER TABLE connections.connections
        ADD COLUMN state_since timestamptz NOT NULL DEFAULT now();
    UPDATE connections.connections c
    SET state_since = coalesce(
        (SELECT max(a.at) FROM connections.audit a
         WHERE a.connection_id = c.id AND a.after ? 'state'), c.created_at);
    ALTER TABLE connections.connections
        ADD COLUMN waits_since timestamptz NOT NULL GENERATED ALWAYS AS (
            CASE WHEN state IN ('pending', 'inactive') THEN state_since
                 ELSE '9999-01-01T00:00:00Z'::timestamptz END) STORED;
    COMMENT ON COLUMN connections.connections.waits_since IS
        'since when somebody has to act; the year 9999: nobody has to';
    CREATE INDEX connections_three_pl_state
        ON connections.connections (three_pl_id, state, id);
    CREATE INDEX connections_three_pl_waits
        ON connections.connections (three_pl_id, waits_since, id);
    CREATE INDEX connections_brand_waits
        ON connections.connections (brand_id, waits_since, id);
    CREATE INDEX mailed_links_connection
        ON connections.mailed_links (connection_id) WHERE used_at IS NULL;
"""
# Letters without accents, small, whatever the locale of the database is.
_WORDS = """
    CREATE FUNCTION connections.words_of(named text) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN ARRAY(
        SELECT DISTINCT left(word, 64) COLLATE "C"
        FROM regexp_split_to_table(
            replace(translate(
                lower(regexp_replace(normalize(named, NFKD), '[\\u0300-\\u036f]+', '', 'g')
                      COLLATE "und-x-icu"), 'øłđı', 'oldi'), 'ß', 'ss') COLLATE "und-x-icu",
            '[^[:alnum:]]+') AS word
        WHERE word <> '');

    CREATE TABLE connections.connection_words (
        account_id uuid NOT NULL REFERENCES connections.accounts,
        connection_id uuid NOT NULL REFERENCES connections.connections ON DELETE CASCADE,
        word text COLLATE "C" NOT NULL,
        PRIMARY KEY (account_id, connection_id, word)
    );
    CREATE INDEX connection_words_word
        ON connections.connection_words (account_id, word, connection_id);
    CREATE INDEX connection_words_connection ON connections.connection_words (connection_id);
    COMMENT ON TABLE connections.connection_words IS
        'what each party finds a connection by: words of the names and the domain';
    INSERT INTO connections.connection_words (account_id, connection_id, word)
    SELECT DISTINCT party.id, c.id, word
    FROM connections.connections c
    JOIN connections.stores s ON s.id = c.store_id
    JOIN connections.accounts b ON b.id = c.brand_id
    JOIN connections.accounts t ON t.id = c.three_pl_id
    LEFT JOIN LATERAL (
        SELECT p.company_name FROM connections.brand_profiles p
        WHERE p.three_pl_id = c.three_pl_id AND p.account_id = c.brand_id
        ORDER BY p.id DESC LIMIT 1) AS known ON true
    CROSS JOIN LATERAL (
        VALUES (c.brand_id, concat_ws(' ', b.name, t.name, s.domain)),
            (c.three_pl_id, concat_ws(' ', b.name, t.name, s.domain, known.company_name))
        ) AS party (id, names)
    CROSS JOIN LATERAL unnest(connections.words_of(party.names)) AS word;
"""


def upgrade() -> None:
    migration.run(_SINCE)
    migration.run(_WORDS)
    migration.run(_VIEW.format(more=_WAITING))


def downgrade() -> None:
    migration.run("DROP VIEW connections.connection_details;" + _VIEW.format(more=""))
    migration.run(
        """
        DROP TABLE connections.connection_words;
        DROP FUNCTION connections.words_of(text);
        DROP INDEX connections.mailed_links_connection, connections.connections_three_pl_state;
        ALTER TABLE connections.connections DROP COLUMN waits_since, DROP COLUMN state_since;
        """
    )
