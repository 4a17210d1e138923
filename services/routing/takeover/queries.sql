-- Every query runs with the schema `routing` first on the search path.

-- name: sequences_of
-- tenants: all; the records of a batch are of many
SELECT id, sequence FROM orders WHERE id = ANY(:ids::uuid[]);

-- name: lock_known
-- tenants: all; the records of a batch are of many
-- What the database has under the ids or the keys of a batch of events, locked in id order.
WITH wanted AS MATERIALIZED (
    SELECT unnest(:ids::uuid[]) AS id
    UNION
    SELECT o.id FROM unnest(:stores::uuid[], :external_ids::text[]) AS k (store_id, external_id)
    JOIN orders o ON o.store_id = k.store_id AND o.external_id = k.external_id
)
SELECT *, CASE WHEN status = 'on_hold' THEN standing_holds(id) END AS holds
FROM orders WHERE id = ANY(ARRAY(SELECT id FROM wanted)) ORDER BY id FOR UPDATE;

-- name: reopen!
-- tenants: all; the records of a batch are of many
WITH moves AS (
    UPDATE moved_stores SET finished_at = NULL
    WHERE id = ANY(:stores::uuid[]) AND finished_at IS NOT NULL
)
UPDATE erased_accounts SET emptied_at = NULL
WHERE account_id = ANY(:accounts::uuid[]) AND emptied_at IS NOT NULL;

-- name: epochs_that_ended
-- tenants: all; the sweep
-- Orders tabs of connections, or of epochs of theirs, that are over: what a hand-over is to return.
SELECT c.id, c.brand_id, c.three_pl_id, max(o.epoch) AS epoch
FROM orders o JOIN connections c ON c.id = o.connection_id
WHERE o.status IN ('open', 'on_hold') AND (c.state <> 'active' OR o.epoch < c.epoch)
GROUP BY c.id;

-- name: reopen_handovers!
-- tenants: all; the sweep
INSERT INTO handovers (id, connection_id, brand_id, three_pl_id, epoch, reason, state)
SELECT *, 'running' FROM unnest(:ids::uuid[], :connections::uuid[], :brands::uuid[],
                                :three_pls::uuid[], :epochs::int[], :reasons::text[])
ON CONFLICT (connection_id, epoch, is_whole) DO UPDATE
SET state = 'running', finished_at = NULL, stayed = NULL, next_attempt_at = now()
WHERE handovers.state = 'done';
