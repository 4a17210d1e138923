-- Every query runs with the schema `connections` first on the search path.

-- name: insert_connection!
INSERT INTO connections (id, store_id, brand_id, three_pl_id, state)
VALUES (:id, :store_id, :brand_id, :three_pl_id, 'pending');

-- name: get_live_connection_of_shop$
SELECT c.id FROM connections c JOIN stores s ON s.id = c.store_id
WHERE c.three_pl_id = :three_pl_id AND s.platform = :platform AND s.domain = :domain
    AND c.state IN ('pending', 'inactive', 'active')
ORDER BY c.id LIMIT 1;

-- name: move_connection!
-- tenants: the caller holds the claim's lock for the account that accepts it, and that store's
UPDATE connections SET store_id = :store_id, brand_id = :brand_id
WHERE id = :id AND NOT EXISTS (
    SELECT FROM connections other
    WHERE other.id <> :id AND other.three_pl_id = :three_pl_id AND other.store_id = :store_id
        AND other.state IN ('pending', 'inactive', 'active'));

-- name: get_connection^
SELECT * FROM connection_details
WHERE id = :id AND :account_id IN (brand_id, three_pl_id);

-- name: get_live_connection_id$
SELECT id FROM connections
WHERE three_pl_id = :three_pl_id AND store_id = :store_id
    AND state IN ('pending', 'inactive', 'active');

-- name: get_newest_pending^
-- Ids are in the order of time (UUIDv7).
SELECT * FROM connection_details
WHERE three_pl_id = :three_pl_id AND brand_id = :brand_id AND state = 'pending'
    AND (:store_id::uuid IS NULL OR store_id = :store_id::uuid)
ORDER BY id DESC LIMIT 1;

-- name: list_connections
-- The party and the order are known when this is planned (force_custom_plan): what is left of each
-- CASE is a column that an index has, and sort keys that are NULL go. Details of one page alone.
WITH page AS (
    SELECT c.id, c.waits_since
    FROM connections c
    WHERE CASE WHEN :as_three_pl::bool THEN c.three_pl_id ELSE c.brand_id END = :account_id
        AND (:states::text[] IS NULL OR c.state = ANY(:states::text[]))
        AND (:store_id::uuid IS NULL OR c.store_id = :store_id::uuid)
        AND (:brand_id::uuid IS NULL OR c.brand_id = :brand_id::uuid)
        AND (:three_pl_id::uuid IS NULL OR c.three_pl_id = :three_pl_id::uuid)
        AND (:found::uuid[] IS NULL OR c.id = ANY(:found::uuid[]))
        AND (:hashed::text IS NULL OR c.id IN (
            SELECT w.connection_id FROM connection_words w
            WHERE w.account_id = :account_id
                AND w.word >= :hashed::text AND w.word < :hashed::text || U&'\+10FFFF'))
        AND (:terms::text[] IS NULL OR NOT EXISTS (
            SELECT FROM unnest(:terms::text[]) AS t (term)
            WHERE NOT EXISTS (
                SELECT FROM connection_words w
                WHERE w.account_id = :account_id AND w.connection_id = c.id
                    AND w.word >= t.term AND w.word < t.term || U&'\+10FFFF')))
        AND (:after_id::uuid IS NULL
            OR CASE WHEN :by_waiting::bool
                THEN (c.waits_since, c.id) > (:after_at::timestamptz, :after_id::uuid)
                ELSE c.id < :after_id::uuid END)
    ORDER BY CASE WHEN :by_waiting::bool THEN c.waits_since END,
        CASE WHEN :by_waiting::bool THEN c.id END,
        CASE WHEN NOT :by_waiting::bool THEN c.id END DESC
    LIMIT :limit
)
SELECT d.* FROM page JOIN connection_details d ON d.id = page.id
ORDER BY CASE WHEN :by_waiting::bool THEN d.waits_since END,
    CASE WHEN :by_waiting::bool THEN d.id END, d.id DESC;

-- name: words_of$
SELECT words_of(:text);

-- name: find_word
-- Text of the collation C: what begins so lies side by side in the index.
SELECT connection_id FROM connection_words
WHERE account_id = :account_id AND word >= :term AND word < :term || U&'\+10FFFF';

-- name: count_word$
SELECT count(*) FROM (
    SELECT FROM connection_words
    WHERE account_id = :account_id AND word >= :term AND word < :term || U&'\+10FFFF'
    LIMIT :most) AS bounded;

-- name: delete_words!
-- tenants: the caller changes the connection, or the name that one of its parties has
DELETE FROM connection_words WHERE connection_id = ANY(:connections::uuid[]);

-- name: insert_words!
-- tenants: the caller changes the connection, or the name that one of its parties has
-- What the 3PL calls the company is the 3PL's own to find it by.
INSERT INTO connection_words (account_id, connection_id, word)
SELECT DISTINCT party.id, c.id, word
FROM connections c
JOIN stores s ON s.id = c.store_id
JOIN accounts b ON b.id = c.brand_id
JOIN accounts t ON t.id = c.three_pl_id
LEFT JOIN LATERAL (
    SELECT p.company_name FROM brand_profiles p
    WHERE p.three_pl_id = c.three_pl_id AND p.account_id = c.brand_id
    ORDER BY p.id DESC LIMIT 1) AS known ON true
CROSS JOIN LATERAL (
    VALUES (c.brand_id, concat_ws(' ', b.name, t.name, s.domain)),
        (c.three_pl_id, concat_ws(' ', b.name, t.name, s.domain, known.company_name))
    ) AS party (id, names)
CROSS JOIN LATERAL unnest(words_of(party.names)) AS word
WHERE c.id = ANY(:connections::uuid[]);

-- name: list_accepted_priorities
-- tenants: the connections of one store, of several 3PLs; nothing but the numbers leaves it
SELECT priority FROM connections
WHERE store_id = :store_id AND state IN ('inactive', 'active') AND id <> :id;

-- name: list_taken_priorities
-- tenants: the connections of one store, of several 3PLs; nothing but the numbers leaves it
SELECT priority FROM connections
WHERE store_id = :store_id AND state = 'active' AND id <> :id;

-- name: update_connection!
-- tenants: the caller read it as a party's, under the lock of its store
-- Compare-and-set: no row when the version is no longer the one that was read.
UPDATE connections
SET state = :state, epoch = :epoch, priority = :priority, settings_version = :settings_version,
    delegation = coalesce(:delegation::text, delegation),
    delegation_since = CASE WHEN :delegation::text <> delegation THEN version + 1
                            ELSE delegation_since END,
    locked_settings = coalesce(:locked_settings::text[], locked_settings),
    state_since = CASE WHEN state = :state THEN state_since ELSE now() END,
    version = version + 1, changed_at = now()
WHERE id = :id AND version = :version;

-- name: insert_settings_version!
INSERT INTO settings_versions (connection_id, version, shipping_rules_owner, billing_owner,
    support_owner, endpoint_id, created_by, created_at)
VALUES (:connection_id, :version, :shipping_rules_owner, :billing_owner, :support_owner,
    :endpoint_id, :created_by, clock_timestamp());

-- name: list_settings_versions
SELECT v.*, coalesce(e.masked_url, e.url) AS webhook_url
FROM settings_versions v
JOIN connections c ON c.id = v.connection_id
LEFT JOIN endpoints e ON e.id = v.endpoint_id
WHERE v.connection_id = :connection_id AND :account_id IN (c.brand_id, c.three_pl_id)
    AND (:after::bigint IS NULL OR v.version < :after::bigint)
ORDER BY v.version DESC LIMIT :limit;

-- name: get_settings_versions
SELECT v.*, coalesce(e.masked_url, e.url) AS webhook_url
FROM settings_versions v
JOIN connections c ON c.id = v.connection_id
LEFT JOIN endpoints e ON e.id = v.endpoint_id
WHERE v.connection_id = :connection_id AND :account_id IN (c.brand_id, c.three_pl_id)
    AND v.version = ANY(:versions::int[]);

-- name: list_effective_settings
-- tenants: the caller read the connection as a party's
-- Those of the period, and the one that counted when it began. The time is of the statement: the
-- version of a transaction that waited for its lock counts from when it could be written.
SELECT version, shipping_rules_owner, billing_owner, support_owner, endpoint_id,
       created_at AS effective_at
FROM settings_versions
WHERE connection_id = :connection_id AND version >= coalesce(
    (SELECT max(version) FROM settings_versions
     WHERE connection_id = :connection_id AND created_at < now() - :period::interval), 0)
ORDER BY version;

-- name: insert_endpoint!
INSERT INTO endpoints (id, connection_id, sealed_url, masked_url, url_digest, sealed_secrets)
VALUES (:id, :connection_id, :sealed_url, :masked_url, :url_digest, :sealed_secrets);

-- name: set_endpoint_secrets!
-- tenants: the caller holds the connection's store for its 3PL
UPDATE endpoints SET sealed_secrets = :sealed_secrets WHERE id = :id;

-- name: repoint_endpoints
-- tenants: the caller holds the connection's store for its 3PL
UPDATE endpoints SET sends_to = :endpoint_id
WHERE connection_id = :connection_id AND id <> :endpoint_id
    AND sends_to IS DISTINCT FROM :endpoint_id
RETURNING id;

-- name: lock_plain_urls
-- tenants: all; URLs of before they were sealed
-- The connection as well: nobody tells of it meanwhile. Several processes take different ones.
SELECT e.id, e.connection_id, c.three_pl_id, e.url
FROM endpoints e JOIN connections c ON c.id = e.connection_id
WHERE e.url IS NOT NULL ORDER BY e.id LIMIT :limit
FOR UPDATE OF e, c SKIP LOCKED;

-- name: seal_urls!
-- tenants: all; those that were locked
UPDATE endpoints e
SET url = NULL, sealed_url = n.sealed_url, masked_url = n.masked_url, url_digest = n.url_digest
FROM unnest(:ids::uuid[], :sealed_urls::text[], :masked_urls::text[], :url_digests::text[])
     AS n (id, sealed_url, masked_url, url_digest)
WHERE e.id = n.id;

-- name: list_endpoints
-- tenants: the caller read the connection as a party's; the secrets are sealed
-- Also those of the past: the newest message alone has to rebuild a projection.
SELECT * FROM endpoints WHERE connection_id = :connection_id ORDER BY id;

-- name: insert_audit_entry!
INSERT INTO audit (id, connection_id, account_id, actor_id, action, before, after)
VALUES (:id, :connection_id, :account_id, :actor_id, :action, :before, :after);

-- name: list_audit_entries
SELECT id, at, account_id, actor_id, action, before, after FROM audit_entries
WHERE connection_id = :connection_id AND :account_id IN (brand_id, three_pl_id)
    AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;
