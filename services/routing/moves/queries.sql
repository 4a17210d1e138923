-- Every query runs with the schema `routing` first on the search path.

-- name: close_gate
-- Exclusive, as for a switch: batches of these stores are before or after, none is between. The
-- statements that follow see what those before have written.
SELECT pg_advisory_xact_lock(7301, slot)
FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot
      FROM unnest(:stores::uuid[]) AS store ORDER BY slot) slots;

-- name: moves_known
-- tenants: all; what connections told of
-- Looked at without a lock: most are known whenever the topic is read again. One of a release before
-- lacks what its mover needs.
SELECT id FROM moved_stores known
JOIN unnest(:ids::uuid[], :versions::int[]) AS told (id, version) USING (id)
WHERE known.version >= told.version AND known.former_brand_id IS NOT NULL;

-- name: note_moves
-- Those that count; an older one does not, nor one that another process noted meanwhile.
INSERT INTO moved_stores AS m (id, store_id, brand_id, version, former_brand_id, payment_rules)
SELECT * FROM unnest(:ids::uuid[], :stores::uuid[], :brands::uuid[], :versions::int[],
                     :former_brands::uuid[], :payment_rules::text[])
ON CONFLICT (id) DO UPDATE SET
    store_id = excluded.store_id, brand_id = excluded.brand_id, version = excluded.version,
    former_brand_id = excluded.former_brand_id, payment_rules = excluded.payment_rules,
    finished_at = NULL
WHERE m.version < excluded.version
   OR m.version = excluded.version AND m.former_brand_id IS NULL
RETURNING id;

-- name: rename_parked!
-- tenants: all; the caller holds the closed gates of the claims' stores, each of which knows one brand
-- Where what comes later about these orders looks for them. Whoever locks parked records has passed
-- the gate before, so nobody who holds one waits for us.
UPDATE parked_records p SET store_id = m.store_id, brand_id = m.brand_id
FROM moved_stores m
WHERE m.id = ANY(:ids::uuid[]) AND p.store_id = m.id
  AND (p.store_id, p.brand_id) IS DISTINCT FROM (m.store_id, m.brand_id);

-- name: unfinished_moves
-- tenants: all; the mover
SELECT id AS claim_store_id, former_brand_id, store_id, brand_id, version, payment_rules
FROM moved_stores WHERE finished_at IS NULL AND former_brand_id IS NOT NULL
ORDER BY moved_at, id LIMIT 100;

-- name: still_counts$
-- tenants: the move that the caller is at
SELECT true FROM moved_stores
WHERE id = :claim_store_id AND version = :version AND finished_at IS NULL;

-- name: finish_move!
-- tenants: the move that the caller is at
UPDATE moved_stores SET finished_at = now() WHERE id = :claim_store_id AND version = :version;

-- name: lock_orders_to_move
-- The next chunk, bounded in orders and in bytes (one is always in it). By the index of the claim's
-- account, which has these orders alone, never through all orders of a store. What the new store
-- has under the same external id is asked for one by one: a join may be planned as a scan of it.
WITH candidates AS (
    SELECT id, sum(payload_bytes) OVER (ORDER BY id) - payload_bytes AS bytes_before
    FROM orders
    WHERE brand_id = :former_brand_id AND store_id = :claim_store_id
    ORDER BY id LIMIT :chunk
)
SELECT id, source_updated_at, tombstone,
       (SELECT known.source_updated_at FROM orders known
        WHERE known.store_id = :store_id AND known.external_id = o.external_id
          AND known.id <> o.id) AS known_updated_at
FROM orders o
WHERE brand_id = :former_brand_id AND store_id = :claim_store_id
ORDER BY id LIMIT (SELECT count(*) FROM candidates WHERE bytes_before < :most_bytes) FOR UPDATE;

-- name: move_orders!
-- They come into the brand's view now: a list of what changed since then has to have them.
UPDATE orders SET store_id = :store_id, brand_id = :brand_id, updated_at = now()
WHERE id = ANY(:ids::uuid[]) AND brand_id = :former_brand_id;

-- name: remove_copies
-- With their holds; what they say goes back to the caller. Their history stays, as nobody's: it may
-- only be added to, and is shown with an order alone. Nobody's: so what people wrote goes now.
WITH reasons AS (
    DELETE FROM holds WHERE order_id = ANY(:ids::uuid[])
), lines AS (
    UPDATE order_history
    SET why = (SELECT json_object_agg(key, value)::text FROM json_each(why::json)
               WHERE key <> 'note')
    WHERE order_id = ANY(:ids::uuid[]) AND why LIKE '%"note":%'
)
DELETE FROM orders WHERE id = ANY(:ids::uuid[]) AND brand_id = :former_brand_id
RETURNING id, external_id, source_updated_at, tombstone, payload;
