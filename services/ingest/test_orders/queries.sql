-- Every query runs with the schema `ingest` first on the search path.

-- name: lock_test_orders!
-- tenants: a store of the caller, as the process knows it
-- Until the transaction ends: two requests at once do not exceed the limit together.
SELECT pg_advisory_xact_lock(hashtextextended('test orders of ' || :store_id::uuid, 0));

-- name: lately^
-- tenants: a store of the caller, as the process knows it
-- How many there are in the last hour, the seconds until the oldest of them is none of those, and the
-- highest number that was given.
SELECT count(*) FILTER (WHERE made_at > now() - interval '1 hour') AS made,
       coalesce(extract(epoch FROM min(made_at) FILTER (WHERE made_at > now() - interval '1 hour')
                        + interval '1 hour' - now()), 0)::float8 AS seconds,
       coalesce(max(number), 0) AS highest
FROM test_orders WHERE store_id = :store_id;

-- name: insert_test_order^
INSERT INTO test_orders (id, store_id, number, cancel_at)
VALUES (:test_id, :store_id, :number, now() + :seconds::float8 * interval '1 second')
RETURNING id, store_id, number, made_at, accepted_at IS NOT NULL AS is_accepted, cancel_at;

-- name: note_accepted!
-- tenants: the one that was just made
UPDATE test_orders SET accepted_at = now() WHERE id = :test_id;

-- name: forget_test_order!
-- tenants: the one that was just made
DELETE FROM test_orders WHERE id = :test_id AND accepted_at IS NULL;

-- name: due_test_orders
-- tenants: all; each is cancelled in its own store
SELECT id, store_id, number, made_at, accepted_at IS NOT NULL AS is_accepted, cancel_at
FROM test_orders WHERE cancelled_at IS NULL AND cancel_at <= now() ORDER BY cancel_at LIMIT :limit;

-- name: note_cancelled!
-- tenants: all; each was cancelled in its own store
UPDATE test_orders SET cancelled_at = now() WHERE id = ANY(:ids::uuid[]);

-- name: sweep_test_orders!
-- tenants: all; what is over goes, but the newest of a store, which has its number
DELETE FROM test_orders t
WHERE t.cancelled_at < now() - interval '30 days'
  AND EXISTS (SELECT FROM test_orders n WHERE n.store_id = t.store_id AND n.number > t.number);
