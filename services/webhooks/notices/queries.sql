-- Every query runs with the schema `webhooks` first on the search path.

-- name: endpoints_to_tell_of
-- tenants: all; each is told to its owner alone
-- By the URL that they send to.
SELECT e.id, coalesce(e.three_pl_id, e.brand_id) AS account_id, e.connection_id, e.store_id, e.updated_at,
       coalesce(t.masked_url, t.url) AS url
FROM endpoints e JOIN endpoints t ON t.id = coalesce(e.sends_to, e.id)
WHERE e.id = ANY(:ids::uuid[]);

-- name: parked_at_endpoints
-- tenants: all; each is told to its owner alone
-- Counted up to a bound, by deliveries_in_lane.
SELECT e.id, (SELECT count(*) FROM (
    SELECT FROM deliveries d
    WHERE d.endpoint_id = e.id AND d.state IN ('pending', 'retrying', 'parked')
      AND d.state = 'parked' LIMIT 100000) AS bounded) AS parked
FROM unnest(:ids::uuid[]) AS e (id);

-- name: tally_exhausted!
-- tenants: all; outcomes of a flush are of many
-- A mark for each endpoint, of those deliveries that these attempts exhausted: one that somebody else
-- had may be anything. A flush whose commit nobody heard of counts twice.
INSERT INTO tally_marks (subject_id, account_id, counted)
SELECT e.id, coalesce(e.three_pl_id, e.brand_id), count(*)
FROM unnest(:deliveries::uuid[], :numbers::int[]) AS o (id, number)
JOIN deliveries d ON d.id = o.id AND d.attempts = o.number AND d.state = 'exhausted'
JOIN endpoints e ON e.id = d.endpoint_id
GROUP BY e.id;
