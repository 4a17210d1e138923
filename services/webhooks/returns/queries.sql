-- name: insert_returns
-- tenants: all; the records of a batch are of many
-- Events that take orders back, each lane once, with their deliveries. What is unfinished before one
-- in its lane is superseded; so is the return itself, if that is how it finds `order.created` and
-- nothing of the lane can have been attempted. Otherwise it is sent, after what may be under way: also
-- of a brand that was erased, but not to a 3PL that was. The positions move with it, from where they
-- are believed to be.
WITH stepped AS (
    UPDATE positions p
    SET next_offset = s.after, record_id = s.record_id, moved_at = now()
    FROM unnest(:partitions::int[], :befores::bigint[], :generations::int[], :afters::bigint[],
                :record_ids::text[]) AS s (partition, before, generation, after, record_id)
    WHERE p.topic = :topic AND p.partition = s.partition AND p.next_offset = s.before
        AND p.generation = s.generation
    RETURNING p.partition
), gone AS MATERIALIZED (
    SELECT account_id FROM erased_accounts WHERE account_id = ANY(:three_pls::uuid[])
),
incoming AS (
    SELECT * FROM unnest(:deliveries::uuid[], :events::uuid[], :endpoints::uuid[],
                         :orders::uuid[], :sequences::int[], :stores::uuid[], :brands::uuid[],
                         :connections::uuid[], :three_pls::uuid[], :types::text[],
                         :bodies::bytea[], :traceparents::text[], :wants_lease::bool[],
                         :begun::bool[])
        AS i (id, event_id, endpoint_id, order_id, sequence, store_id, brand_id,
              connection_id, three_pl_id, type, body, traceparent, wants_lease, has_begun)
    WHERE NOT EXISTS (SELECT FROM gone WHERE account_id = i.three_pl_id)
),
-- What is unfinished before each return, as it is once it is locked: whoever claims it or records an
-- outcome came before, or finds it superseded. `is_held`: an attempt may be under way, or start
-- before its holder has heard. Lane by lane: a join would read all that is unfinished, of everybody.
standing AS MATERIALIZED (
    SELECT i.id AS return_id, h.id, h.due_at, h.type, h.has_begun,
           h.lease_owner IS NOT NULL AND (h.lease_owner <> :owner::uuid OR i.has_begun) AS is_held,
           h.lease_owner IS NOT NULL AND h.lease_owner <> :owner::uuid AS is_elsewhere
    FROM incoming i CROSS JOIN LATERAL (
        SELECT d.id, d.due_at, d.lease_owner, d.attempts > 0 OR d.may_have_begun AS has_begun,
               (SELECT e.type FROM events e WHERE e.id = d.event_id) AS type
        FROM deliveries d
        WHERE d.endpoint_id = i.endpoint_id AND d.order_id = i.order_id AND d.sequence < i.sequence
          AND d.state IN ('pending', 'retrying', 'parked')
        ORDER BY d.sequence FOR UPDATE) h
),
lanes AS (
    SELECT i.id,
           NOT i.has_begun AND count(*) FILTER (WHERE s.type = 'order.created') > 0
               AND count(*) FILTER (WHERE s.has_begun OR s.is_held) = 0 AS is_pointless,
           count(*) FILTER (WHERE s.is_elsewhere) > 0 AS is_elsewhere,
           count(*) FILTER (WHERE s.type = 'order.unassigned') > 0 AS has_return,
           max(s.due_at) FILTER (WHERE s.is_held) AS held_until
    FROM incoming i LEFT JOIN standing s ON s.return_id = i.id
    GROUP BY i.id, i.has_begun
),
-- Never an earlier return. Those who hold something are told.
superseded AS (
    UPDATE deliveries d
    SET state = 'superseded', lease_owner = CASE WHEN s.is_held THEN d.lease_owner END
    FROM standing s
    WHERE d.id = s.id AND s.type <> 'order.unassigned'
    RETURNING CASE WHEN s.is_elsewhere
                   THEN pg_notify('webhooks_returns', d.lease_owner::text) END
),
new_events AS (
    INSERT INTO events (id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
                        sequence, body, traceparent)
    SELECT event_id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
           sequence, body, traceparent
    FROM incoming ON CONFLICT DO NOTHING
),
decided AS (
    SELECT i.id, i.event_id, i.endpoint_id, i.order_id, i.sequence, l.held_until,
           CASE WHEN l.is_pointless THEN 'superseded'
                WHEN e.state = 'disabled' THEN 'parked' ELSE 'pending' END AS state,
           i.wants_lease AND e.state = 'enabled'
               AND NOT (l.is_pointless OR l.is_elsewhere OR l.has_return) AS leased
    FROM incoming i
    JOIN lanes l ON l.id = i.id
    LEFT JOIN endpoints e ON e.id = i.endpoint_id
),
inserted AS (
    INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, state, due_at,
                            lease_owner)
    SELECT id, event_id, endpoint_id, order_id, sequence, state,
           CASE WHEN leased THEN now() + :lease_seconds::float8 * interval '1 second'
                ELSE greatest(now(), held_until) END,
           CASE WHEN leased THEN :owner::uuid END
    FROM decided
    -- By its id, or that of before.
    ON CONFLICT DO NOTHING
    RETURNING id, state, lease_owner IS NOT NULL AS leased
)
SELECT n.id, n.state, n.leased, NULL::int AS predecessor, l.is_elsewhere, NULL::bigint AS moved
FROM inserted n JOIN lanes l ON l.id = n.id
UNION ALL
SELECT NULL, NULL, NULL, NULL, NULL, count(*) FROM stepped;

-- name: superseded_leases
-- tenants: all; only what this process leased
-- What this process holds although another one has read that the order went back, and how long ago
-- that was.
SELECT d.id, d.endpoint_id, d.order_id, d.sequence,
       (SELECT extract(epoch FROM now() - max(r.created_at))::float8 FROM deliveries r
        WHERE r.endpoint_id = d.endpoint_id AND r.order_id = d.order_id
          AND r.sequence > d.sequence
          AND r.state IN ('pending', 'retrying', 'parked')) AS seconds
FROM deliveries d
WHERE d.lease_owner = :owner::uuid AND d.state = 'superseded';

-- name: free_superseded!
-- tenants: all; only what this process leased
-- It was never attempted here and will not be: the return behind it may go at once.
WITH freed AS (
    UPDATE deliveries SET lease_owner = NULL
    WHERE id = ANY(:ids::uuid[]) AND lease_owner = :owner::uuid AND state = 'superseded'
    RETURNING endpoint_id, order_id, sequence
)
UPDATE deliveries d SET due_at = now()
FROM freed f
WHERE d.endpoint_id = f.endpoint_id AND d.order_id = f.order_id AND d.sequence > f.sequence
  AND d.state IN ('pending', 'retrying') AND d.lease_owner IS NULL;
