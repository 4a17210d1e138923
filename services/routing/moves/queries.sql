-- Every query runs with the schema `routing` first on the search path.

-- name: close_gate
-- Exclusive, as for a switch: batches of these stores are before or after, none is between. The
-- statements that follow see what those before have written.
SELECT pg_advisory_xact_lock(7301, slot)
FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot
      FROM unnest(:stores::uuid[]) AS store ORDER BY slot) slots;

-- name: note_move$
-- Whether it counts; an older one does not.
INSERT INTO moved_stores AS m (id, store_id, brand_id, version)
VALUES (:claim_store_id, :store_id, :brand_id, :version)
ON CONFLICT (id) DO UPDATE SET
    store_id = excluded.store_id, brand_id = excluded.brand_id, version = excluded.version
WHERE m.version <= excluded.version
RETURNING true;

-- name: rename_parked!
-- tenants: all; the caller holds the closed gate of the claim's store, which knows one brand
-- Where what comes later about these orders looks for them. Whoever locks parked records has passed
-- the gate before, so nobody who holds one waits for us.
UPDATE parked_records SET store_id = :store_id, brand_id = :brand_id
WHERE store_id = :claim_store_id AND (store_id, brand_id) IS DISTINCT FROM (:store_id, :brand_id);

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
