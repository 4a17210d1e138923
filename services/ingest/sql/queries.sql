-- name: kept_stores
-- tenants: all; the projection of this process
SELECT body::text AS body FROM stores;

-- name: newer_stores
-- tenants: all; the projection of this process
SELECT told.id FROM unnest(:ids::uuid[], :versions::int[]) AS told (id, version)
LEFT JOIN stores known ON known.id = told.id
WHERE known.id IS NULL OR known.version < told.version;

-- name: keep_stores
-- Older and equal versions change nothing: every process writes the same rows. Of brands that were
-- erased only what names the store is kept.
INSERT INTO stores AS s (id, version, body)
SELECT n.id, n.version, CASE WHEN gone.account_id IS NULL THEN n.body ELSE emptied(n.body) END
FROM unnest(:ids::uuid[], :versions::int[], :bodies::json[]) AS n (id, version, body)
LEFT JOIN erased_accounts gone ON gone.account_id = (n.body->>'brand_id')::uuid
ORDER BY n.id
ON CONFLICT (id) DO UPDATE SET version = excluded.version, body = excluded.body
WHERE s.version < excluded.version
RETURNING s.id;

-- name: move_quarantine!
-- tenants: all; what connections told of
-- By the index of the former account: it has nothing but these.
UPDATE quarantine AS q SET brand_id = moved.brand_id
FROM unnest(:stores::uuid[], :former_brands::uuid[], :brands::uuid[])
    AS moved (store_id, former_brand_id, brand_id)
WHERE q.brand_id = moved.former_brand_id AND q.store_id = moved.store_id
  AND moved.brand_id <> moved.former_brand_id;

-- name: quarantine!
-- tenants: what the store proved; its brand as kept
-- The lock: whoever keeps a newer state of the store, and moves its entries, waits for this one or
-- has it see the newer brand. A store that was never kept is as the process knows it. Of a brand that
-- was erased nothing is kept. What is kept is counted, for a notice now and then.
WITH sender AS (
    SELECT (body->>'brand_id')::uuid AS brand_id FROM stores WHERE id = :store_id FOR SHARE
),
kept AS (
    INSERT INTO quarantine (id, store_id, brand_id, route, reason, headers, body)
    SELECT :entry::uuid, :store_id::uuid, owner.brand_id, :route::text, :reason::text,
           :headers::text, :body::bytea
    FROM (SELECT coalesce((SELECT brand_id FROM sender), :brand_id::uuid) AS brand_id) owner
    WHERE NOT EXISTS (SELECT FROM erased_accounts gone WHERE gone.account_id = owner.brand_id)
    RETURNING store_id, brand_id
)
INSERT INTO tally_marks (subject_id, account_id, counted)
SELECT store_id, brand_id, 1 FROM kept;

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

-- name: next_quarantined
-- The size of a body stands beside it: none is read for this.
SELECT id
FROM (
    SELECT id, sum(length(body)) OVER (ORDER BY id) - length(body) AS bytes_before
    FROM (
        SELECT id, body FROM quarantine
        WHERE brand_id = :brand_id
          AND (:store_id::uuid IS NULL OR store_id = :store_id)
          AND (:after::uuid IS NULL OR id > :after)
        ORDER BY id LIMIT :most
    ) AS oldest
) AS summed
WHERE bytes_before < :most_bytes
ORDER BY id;

-- name: quarantined_bodies
SELECT id, store_id, received_at, route, headers, body
FROM quarantine WHERE id = ANY(:entries::uuid[]) AND brand_id = :brand_id
ORDER BY id;

-- name: count_quarantined$
SELECT count(*) FROM (
    SELECT FROM quarantine
    WHERE brand_id = :brand_id
      AND (:store_id::uuid IS NULL OR store_id = :store_id)
      AND (:after::uuid IS NULL OR id > :after)
    LIMIT 100000
) AS counted;

-- name: drop_quarantined!
DELETE FROM quarantine WHERE id = ANY(:entries::uuid[]) AND brand_id = :brand_id;

-- name: update_reasons!
UPDATE quarantine AS q SET reason = newest.reason
FROM unnest(:entries::uuid[], :reasons::text[]) AS newest (id, reason)
WHERE q.id = newest.id AND q.brand_id = :brand_id;

-- name: quarantine_sizes
-- tenants: all; a metric
SELECT store_id, count(*) AS entries
FROM (SELECT store_id FROM quarantine LIMIT 100000) AS counted
GROUP BY store_id;
