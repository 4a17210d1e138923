-- name: kept_stores
-- tenants: all; the projection of this process
SELECT body::text AS body FROM stores;

-- name: keep_stores!
-- Older and equal versions change nothing: every process writes the same rows.
INSERT INTO stores AS s (id, version, body)
SELECT * FROM unnest(:ids::uuid[], :versions::int[], :bodies::json[])
ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body
WHERE s.version < excluded.version;

-- name: quarantine!
INSERT INTO quarantine (id, store_id, brand_id, route, reason, headers, body)
VALUES (:entry, :store_id, :brand_id, :route, :reason, :headers, :body);

-- name: quarantined
SELECT id, store_id, received_at, route, reason, length(body) AS bytes
FROM quarantine
WHERE brand_id = :brand_id
  AND (:store_id::uuid IS NULL OR store_id = :store_id)
  AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;

-- name: quarantine_entry^
SELECT id, store_id, received_at, route, reason, length(body) AS bytes, headers, body
FROM quarantine WHERE id = :entry AND brand_id = :brand_id;
