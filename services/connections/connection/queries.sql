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
SELECT * FROM connection_details
WHERE :account_id IN (brand_id, three_pl_id)
    AND (:state::text IS NULL OR state = :state::text)
    AND (:store_id::uuid IS NULL OR store_id = :store_id::uuid)
    AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;

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
    delegation = coalesce(:delegation::text, delegation), version = version + 1, changed_at = now()
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
SELECT a.*
FROM audit a JOIN connections c ON c.id = a.connection_id
WHERE a.connection_id = :connection_id AND :account_id IN (c.brand_id, c.three_pl_id)
    AND (:after::uuid IS NULL OR a.id < :after::uuid)
ORDER BY a.id DESC LIMIT :limit;
