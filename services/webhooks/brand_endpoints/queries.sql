-- Every query runs with the schema `webhooks` first on the search path.

-- name: lock_endpoints_of_brand!
-- tenants: the lock of one brand
-- Until the transaction ends: two requests at once do not exceed the limit together.
SELECT pg_advisory_xact_lock(hashtextextended('endpoints of ' || :account::uuid, 0));

-- name: count_endpoints$
SELECT count(*) FROM endpoints WHERE brand_id = :account AND deleted_at IS NULL;

-- name: insert_endpoint^
-- Of a brand that was erased nothing is kept.
INSERT INTO endpoints (id, brand_id, sealed_url, masked_url, sealed_secrets, version, event_types,
                       store_ids, description)
SELECT :endpoint_id::uuid, :account::uuid, :sealed_url::text, :masked_url::text,
       ARRAY[:sealed_secret::text], 1, :event_types::text[], :store_ids::uuid[], :description::text
WHERE NOT EXISTS (SELECT FROM erased_accounts gone WHERE gone.account_id = :account)
RETURNING id, connection_id, store_id, masked_url AS url, sends_to, state, disabled_reason,
    paused_until, updated_at, event_types, store_ids, description, version;

-- name: lock_endpoint^
SELECT id, version, connection_id IS NOT NULL AS follows_connection, sealed_secrets
FROM endpoints
WHERE id = :endpoint_id AND :account IN (three_pl_id, brand_id) AND sealed_secrets <> '{}'
FOR UPDATE;

-- name: update_endpoint^
-- What is null stays; another URL may have another receiver behind it, whatever the one before said.
-- The update is what other processes notice it by (endpoints_updated), as everywhere here.
UPDATE endpoints SET
    sealed_url = coalesce(:sealed_url, sealed_url), masked_url = coalesce(:masked_url, masked_url),
    state = CASE WHEN :sealed_url::text IS NULL THEN state ELSE 'enabled' END,
    disabled_reason = CASE WHEN :sealed_url::text IS NULL THEN disabled_reason END,
    paused_until = CASE WHEN :sealed_url::text IS NULL THEN paused_until END,
    event_types = coalesce(:event_types::text[], event_types),
    store_ids = CASE WHEN :sets_stores::bool THEN :store_ids::uuid[] ELSE store_ids END,
    description = CASE WHEN :sets_description::bool THEN :description::text ELSE description END,
    version = version + 1, updated_at = now()
WHERE id = :endpoint_id AND brand_id = :account
RETURNING id, connection_id, store_id, masked_url AS url, sends_to, state, disabled_reason,
    paused_until, updated_at, event_types, store_ids, description, version;

-- name: set_secrets$
UPDATE endpoints
SET sealed_secrets = :sealed_secrets::text[], version = version + 1, updated_at = now(),
    former_secret_until = CASE WHEN cardinality(:sealed_secrets::text[]) > 1
        THEN now() + :overlap_seconds::float8 * interval '1 second' END
WHERE id = :endpoint_id AND brand_id = :account
RETURNING version;

-- name: delete_endpoint!
-- The row stays, for the deliveries that it had.
UPDATE endpoints
SET sealed_url = '', masked_url = '', sealed_secrets = '{}', description = NULL,
    state = 'disabled', disabled_reason = 'deleted', deleted_at = now(), version = version + 1,
    updated_at = now()
WHERE id = :endpoint_id AND brand_id = :account;

-- name: sweep_idempotency_keys!
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys
    WHERE created_at < now() - interval '24 hours'
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED);
