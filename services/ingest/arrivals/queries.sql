-- Every query runs with the schema `ingest` first on the search path.

-- name: write_arrivals!
-- tenants: all; what this process has seen
-- The newest of all processes stays. Nobody waits in a circle: in the order of ids.
INSERT INTO arrivals AS a (store_id, last_accepted_at, last_external_id)
SELECT * FROM unnest(:stores::uuid[], :ats::timestamptz[], :external_ids::text[])
    AS n (store_id, last_accepted_at, last_external_id)
ORDER BY store_id
ON CONFLICT (store_id) DO UPDATE
SET last_accepted_at = excluded.last_accepted_at, last_external_id = excluded.last_external_id
WHERE a.last_accepted_at < excluded.last_accepted_at;

-- name: write_refusals!
-- tenants: all; what this process has seen
INSERT INTO arrival_refusals AS r (store_id, code, status, requests, last_at)
SELECT * FROM unnest(:stores::uuid[], :codes::text[], :statuses::int[], :requests::bigint[],
                     :ats::timestamptz[]) AS n (store_id, code, status, requests, last_at)
ORDER BY store_id, code
ON CONFLICT (store_id, code) DO UPDATE
SET status = excluded.status, requests = r.requests + excluded.requests,
    last_at = greatest(r.last_at, excluded.last_at);

-- name: arrival_of_store^
-- tenants: a store of the caller, as the process knows it
SELECT last_accepted_at, last_external_id FROM arrivals WHERE store_id = :store_id;

-- name: refusals_of_store
-- tenants: a store of the caller, as the process knows it
SELECT code, status, requests, last_at FROM arrival_refusals
WHERE store_id = :store_id AND last_at > now() - interval '7 days'
ORDER BY last_at DESC, code LIMIT :limit;
