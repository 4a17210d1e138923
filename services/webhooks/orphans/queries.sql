-- name: let_orphans_go
-- tenants: all; the claimer works for every endpoint
-- A page of what waits for its lane; what is the head of its lane is due, for nobody else will say so.
-- Its head is looked up for each: a join would read all that is unfinished. What somebody has locked
-- is left to the next look, so that nobody waits here. `last` is where the next page begins, NULL
-- when there is none.
WITH page AS MATERIALIZED (
    SELECT id, endpoint_id, order_id FROM deliveries
    WHERE state IN ('pending', 'retrying') AND due_at = 'infinity' AND id > :after::uuid
    ORDER BY id LIMIT :limit::int
),
orphans AS MATERIALIZED (
    SELECT p.id FROM page p
    WHERE p.id = (SELECT d.id FROM deliveries d
                  WHERE d.endpoint_id = p.endpoint_id AND d.order_id = p.order_id
                    AND d.state IN ('pending', 'retrying', 'parked')
                  ORDER BY d.sequence LIMIT 1)
),
locked AS MATERIALIZED (
    SELECT id FROM deliveries
    WHERE id = ANY(ARRAY(SELECT id FROM orphans))
      AND state IN ('pending', 'retrying') AND due_at = 'infinity'
    FOR UPDATE SKIP LOCKED
),
freed AS (
    UPDATE deliveries SET due_at = now() WHERE id = ANY(ARRAY(SELECT id FROM locked))
    RETURNING endpoint_id
)
SELECT (SELECT count(*) FROM freed) AS freed,
       ARRAY(SELECT DISTINCT endpoint_id FROM freed LIMIT 10) AS endpoints,
       (SELECT id FROM page ORDER BY id OFFSET :limit::int - 1) AS last;
