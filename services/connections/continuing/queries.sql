-- Every query runs with the schema `connections` first on the search path.

-- name: versions_of_accounts
-- tenants: all; what the log says of everybody
SELECT id, version, erased_at IS NOT NULL AS is_erased FROM accounts
WHERE id = ANY(:ids::uuid[]);

-- name: versions_of_stores
-- tenants: all; what the log says of everybody
SELECT id, version FROM stores WHERE id = ANY(:ids::uuid[]);

-- name: versions_of_connections
-- tenants: all; what the log says of everybody
SELECT id, version FROM connections WHERE id = ANY(:ids::uuid[]);

-- name: take_turn$
-- tenants: all; the processes of an installation
-- Those that start together take over one after the other.
SELECT pg_advisory_xact_lock(hashtextextended('continuing', 0));

-- name: lock_accounts
-- tenants: all; what the log says of everybody
SELECT id, version FROM accounts WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_stores
-- tenants: all; what the log says of everybody
SELECT id, version FROM stores WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: lock_connections
-- tenants: all; what the log says of everybody
SELECT id, version, state, epoch, settings_version FROM connections
WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR NO KEY UPDATE;

-- name: take_accounts!
-- tenants: all; what the log says of everybody
-- The plan and who may act of one that is erased stay: the erasure finds by them what goes.
UPDATE accounts a SET version = t.version, changed_at = t.changed_at,
    plan = CASE WHEN t.erased THEN a.plan ELSE t.plan END
FROM jsonb_to_recordset(:changes::jsonb)
    AS t (account_id uuid, plan text, version integer, erased boolean, changed_at timestamptz)
WHERE a.id = t.account_id;

-- name: take_members!
-- tenants: all; what the log says of everybody
-- Who left is gone again; who joined works here if the database knows the person.
WITH told AS MATERIALIZED (
    SELECT t.account_id, m.person_id, m.role, m.valid_from
    FROM jsonb_to_recordset(:changes::jsonb) AS t (account_id uuid, people jsonb)
    CROSS JOIN jsonb_to_recordset(t.people)
        AS m (person_id uuid, role text, valid_from integer)
),
gone AS (
    DELETE FROM memberships m
    WHERE m.account_id = ANY(:accounts::uuid[])
        AND (m.account_id, m.person_id) NOT IN (SELECT account_id, person_id FROM told)
)
INSERT INTO memberships (person_id, account_id, role, valid_from)
SELECT t.person_id, t.account_id, t.role, t.valid_from
FROM told t JOIN people p ON p.id = t.person_id
ON CONFLICT (person_id, account_id) DO UPDATE
SET role = EXCLUDED.role, valid_from = EXCLUDED.valid_from;

-- name: take_clients!
-- tenants: all; what the log says of everybody
WITH told AS MATERIALIZED (
    SELECT t.account_id, c.client_id, c.valid_from
    FROM jsonb_to_recordset(:changes::jsonb) AS t (account_id uuid, clients jsonb)
    CROSS JOIN jsonb_to_recordset(t.clients) AS c (client_id uuid, valid_from integer)
)
UPDATE api_clients c
SET valid_from = coalesce(t.valid_from, c.valid_from),
    ended_at = CASE WHEN t.client_id IS NULL THEN now() ELSE c.ended_at END
FROM api_clients own LEFT JOIN told t ON t.client_id = own.id AND t.account_id = own.account_id
WHERE own.id = c.id AND own.account_id = ANY(:accounts::uuid[]) AND c.ended_at IS NULL;

-- name: end_sessions!
-- tenants: all; what the log says of everybody
-- Some may have been ended since the backup, and the log says which for minutes alone.
UPDATE sessions SET ended_at = now()
WHERE account_id = ANY(:accounts::uuid[]) AND ended_at IS NULL;

-- name: take_stores!
-- tenants: all; what the log says of everybody
-- A store moves where the database knows who got it, else it stays where it is.
UPDATE stores s SET version = t.version, changed_at = t.changed_at,
    hold_unpaid = (t.payment_rules->>'hold_unpaid')::boolean,
    ship_unpaid_methods = ARRAY(
        SELECT jsonb_array_elements_text(t.payment_rules->'ship_unpaid_methods')),
    brand_id = CASE WHEN here.is_known THEN t.brand_id ELSE s.brand_id END,
    former_brand_id = CASE WHEN here.is_known THEN t.former_brand_id ELSE s.former_brand_id END,
    alias_of = CASE WHEN here.is_known THEN t.alias_of ELSE s.alias_of END,
    proven_at = CASE WHEN here.is_known AND t.alias_of IS NOT NULL THEN NULL
                     ELSE s.proven_at END,
    proven_by = CASE WHEN here.is_known AND t.alias_of IS NOT NULL THEN NULL
                     ELSE s.proven_by END
FROM jsonb_to_recordset(:changes::jsonb)
    AS t (store_id uuid, brand_id uuid, version integer, payment_rules jsonb,
          former_brand_id uuid, alias_of uuid, changed_at timestamptz)
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM accounts a WHERE a.id = t.brand_id)
        AND (t.former_brand_id IS NULL
            OR EXISTS (SELECT FROM accounts a WHERE a.id = t.former_brand_id))
        AND (t.alias_of IS NULL OR EXISTS (SELECT FROM stores o WHERE o.id = t.alias_of))
        AS is_known) AS here
WHERE s.id = t.store_id;

-- name: take_credentials!
-- tenants: all; what the log says of everybody
-- Those of a claim are its 3PL's, all others the brand's: who made one need not be told.
WITH told AS MATERIALIZED (
    SELECT t.store_id, t.changed_at, c.id, c.kind, c.digest, c.sealed_secret
    FROM jsonb_to_recordset(:changes::jsonb)
        AS t (store_id uuid, changed_at timestamptz, credentials jsonb)
    CROSS JOIN jsonb_to_recordset(t.credentials)
        AS c (id uuid, kind text, digest text, sealed_secret text)
),
revoked AS (
    UPDATE store_credentials SET revoked_at = now(), digest = NULL, sealed_secret = NULL
    WHERE store_id = ANY(:stores::uuid[]) AND revoked_at IS NULL
        AND id NOT IN (SELECT id FROM told)
)
INSERT INTO store_credentials (id, store_id, kind, digest, sealed_secret, created_at, created_by)
SELECT t.id, t.store_id, t.kind, t.digest, t.sealed_secret, t.changed_at,
    coalesce((SELECT c.three_pl_id FROM connections c
              WHERE c.store_id = s.id AND c.state = 'pending'
                  AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = s.brand_id)
              ORDER BY c.id LIMIT 1), s.brand_id)
FROM told t JOIN stores s ON s.id = t.store_id
ON CONFLICT (id) DO UPDATE SET created_by = EXCLUDED.created_by;

-- name: clear_places!
-- tenants: all; what the log says of everybody
-- Priorities and shops change hands: first nobody has any.
UPDATE connections SET state = 'disconnected' WHERE id = ANY(:ids::uuid[]);

-- name: take_endpoints!
-- tenants: all; what the log says of everybody
-- Those that were re-pointed first: another one may have their URL.
INSERT INTO endpoints AS e (id, connection_id, url, sealed_url, masked_url, url_digest,
    sealed_secrets, sends_to)
SELECT t.id, t.connection_id, t.url, t.sealed_url, t.masked_url, t.url_digest,
    t.sealed_secrets, t.sends_to
FROM jsonb_to_recordset(:endpoints::jsonb)
    AS t (id uuid, connection_id uuid, url text, sealed_url text, masked_url text,
          url_digest text, sealed_secrets text[], sends_to uuid)
ORDER BY t.sends_to IS NULL, t.id
ON CONFLICT (id) DO UPDATE
SET sealed_secrets = EXCLUDED.sealed_secrets, sends_to = EXCLUDED.sends_to;

-- name: take_settings!
-- tenants: all; what the log says of everybody
-- The log does not say who made them.
INSERT INTO settings_versions (connection_id, version, shipping_rules_owner, billing_owner,
    support_owner, endpoint_id, created_by, created_at)
SELECT t.connection_id, t.version, t.shipping_rules_owner, t.billing_owner,
    t.support_owner, t.endpoint_id, NULL, t.effective_at
FROM jsonb_to_recordset(:settings::jsonb)
    AS t (connection_id uuid, version integer, shipping_rules_owner text, billing_owner text,
          support_owner text, endpoint_id uuid, effective_at timestamptz)
ON CONFLICT (connection_id, version) DO NOTHING;

-- name: take_order_rules!
-- tenants: all; what the log says of everybody
-- The log does not say who set them.
INSERT INTO order_rules (connection_id, version, rules, default_action, effective_at)
SELECT t.connection_id, t.version, t.rules, t."default", t.effective_at
FROM jsonb_to_recordset(:rules::jsonb)
    AS t (connection_id uuid, version integer, rules jsonb, "default" text,
          effective_at timestamptz)
ON CONFLICT (connection_id, version) DO NOTHING;

-- name: take_connections!
-- tenants: all; what the log says of everybody
UPDATE connections c SET state = t.state, version = t.version, epoch = t.epoch,
    priority = t.priority, settings_version = t.settings_version, delegation = t.delegation,
    delegation_since = t.delegation_since, changed_at = t.changed_at,
    state_since = coalesce(t.state_since, t.changed_at),
    store_id = CASE WHEN here.is_known THEN t.store_id ELSE c.store_id END,
    brand_id = CASE WHEN here.is_known THEN t.brand_id ELSE c.brand_id END
FROM jsonb_to_recordset(:changes::jsonb)
    AS t (connection_id uuid, store_id uuid, brand_id uuid, state text, version integer,
          epoch integer, priority integer, settings_version integer, delegation text,
          delegation_since integer, state_since timestamptz, changed_at timestamptz)
CROSS JOIN LATERAL (
    SELECT EXISTS (SELECT FROM stores s WHERE s.id = t.store_id AND s.brand_id = t.brand_id)
        AS is_known) AS here
WHERE c.id = t.connection_id;

-- name: insert_audit_entries!
-- tenants: all; what the log says of everybody
-- Nobody did it.
INSERT INTO audit (id, connection_id, account_id, actor_id, action, before, after)
SELECT t.id, t.connection_id, NULL, NULL, 'taken_over', t.before, t.after
FROM jsonb_to_recordset(:entries::jsonb)
    AS t (id uuid, connection_id uuid, before jsonb, after jsonb);

-- name: drop_messages!
-- tenants: all; what the log says of everybody
-- After what is newer they would be the newest of their key on a compacted log.
WITH aside AS (
    DELETE FROM outbox_aside o USING unnest(:topics::text[], :keys::text[]) AS k (topic, key)
    WHERE o.topic = k.topic AND o.key = k.key
)
DELETE FROM outbox o USING unnest(:topics::text[], :keys::text[]) AS k (topic, key)
WHERE o.topic = k.topic AND o.key = k.key;

-- name: list_missing_people
-- tenants: all; the operator
SELECT t.account_id, t.person_id
FROM unnest(:accounts::uuid[], :people::uuid[]) AS t (account_id, person_id)
WHERE NOT EXISTS (SELECT FROM memberships m
                  WHERE m.account_id = t.account_id AND m.person_id = t.person_id);

-- name: list_missing_clients
-- tenants: all; the operator
SELECT t.account_id, t.client_id
FROM unnest(:accounts::uuid[], :clients::uuid[]) AS t (account_id, client_id)
WHERE NOT EXISTS (SELECT FROM api_clients c WHERE c.id = t.client_id);

-- name: list_other_parties
-- tenants: all; the operator
SELECT c.id
FROM unnest(:ids::uuid[], :versions::integer[], :stores::uuid[], :brands::uuid[])
    AS t (id, version, store_id, brand_id)
JOIN connections c ON c.id = t.id AND c.version = t.version
WHERE (c.store_id, c.brand_id) <> (t.store_id, t.brand_id);

-- name: knows_accounts$
-- tenants: all; the operator
SELECT EXISTS (SELECT FROM accounts);

-- name: note_end!
-- tenants: all; the operator
-- The log of a connection needs its row; that of the store has the line, where there is one.
INSERT INTO store_audit (id, store_id, account_id, action)
SELECT :id, s.id, NULL, 'unknown_connection_ended' FROM stores s WHERE s.id = :store_id;
