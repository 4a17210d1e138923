-- name: connections_of
-- All of the brand's connections to the stores of those that are asked about.
SELECT * FROM connections
WHERE brand_id = :brand AND store_id IN (
    SELECT store_id FROM connections WHERE brand_id = :brand AND id = ANY(:ids::uuid[]));

-- name: newest_orders
-- Orders of the stores from the newest on, as far as a page holds them; what was erased is left out.
SELECT id, store_id, external_id, number, accepted_at, payload
FROM orders
WHERE brand_id = :brand AND store_id = ANY(:stores::uuid[]) AND sequence > 0 AND payload IS NOT NULL
  AND (:after_id::uuid IS NULL OR (accepted_at, id) < (:after_at::timestamptz, :after_id))
ORDER BY accepted_at DESC, id DESC
LIMIT :limit;
