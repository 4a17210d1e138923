-- Every query runs with the schema `webhooks` first on the search path.

-- name: delivery_to_resend^
-- What a delivery is about, and whether its endpoint takes it now; of either party of its order, but
-- what goes to the brand is the brand's alone.
SELECT d.event_id, d.endpoint_id, d.order_id, d.sequence, e.type,
       octet_length(e.body) > 0 AS has_body, coalesce(p.state = 'enabled', false) AS is_enabled,
       coalesce(p.brand_id, e.three_pl_id) = :account::uuid AS is_owner
FROM deliveries d JOIN events e ON e.id = d.event_id
    LEFT JOIN endpoints p ON p.id = d.endpoint_id
WHERE d.id = :delivery_id AND :account IN (e.three_pl_id, e.brand_id)
  AND (p.brand_id IS NULL OR p.brand_id = :account);

-- name: lock_lane
-- tenants: whoever asks was shown a delivery of it in the same transaction (delivery_to_resend)
-- What is unfinished, in the order in which everybody locks it.
SELECT id FROM deliveries
WHERE endpoint_id = :endpoint_id AND order_id = :order_id
  AND state IN ('pending', 'retrying', 'parked')
ORDER BY sequence, round FOR UPDATE;

-- name: newest_round^
-- tenants: whoever asks was shown a delivery of it in the same transaction (delivery_to_resend)
-- A statement of its own, after the lock: what others did before it is seen.
SELECT id, round, state, lease_owner IS NOT NULL AND due_at > now() AS is_leased
FROM deliveries WHERE event_id = :event_id AND endpoint_id = :endpoint_id
ORDER BY round DESC LIMIT 1;

-- name: insert_round!
-- What it replaces is cancelled. It waits for what is unfinished before it in its lane, and is tried
-- again soon while a later one may be under way: memory takes no lane from its middle. Of accounts
-- that were erased nothing is kept. Two requests at once make one.
WITH replaced AS (
    UPDATE deliveries SET state = 'cancelled', lease_owner = NULL
    WHERE id = :replaced::uuid AND state IN ('retrying', 'parked')
),
lane AS (
    SELECT d.sequence, d.lease_owner IS NOT NULL AND d.due_at > now() AS is_leased
    FROM deliveries d
    WHERE d.endpoint_id = :endpoint_id::uuid AND d.order_id = :order_id::uuid
      AND d.state IN ('pending', 'retrying', 'parked') AND d.id IS DISTINCT FROM :replaced::uuid
)
INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, round, state, due_at)
SELECT :delivery_id::uuid, e.id, :endpoint_id::uuid, e.order_id, e.sequence, :round::int, 'pending',
       CASE WHEN EXISTS (SELECT FROM lane WHERE sequence < e.sequence) THEN 'infinity'
            WHEN EXISTS (SELECT FROM lane WHERE is_leased) THEN now() + interval '1 second'
            ELSE now() END
FROM events e
WHERE e.id = :event_id::uuid
  AND NOT EXISTS (SELECT FROM erased_accounts gone
                  WHERE gone.account_id = e.brand_id OR gone.account_id = :account::uuid)
ON CONFLICT DO NOTHING;
