-- name: preview_handover^
-- What ending the connection now would return and what would stay; none for strangers. Two counts,
-- each by an index of its own.
SELECT c.id AS connection_id, c.state, c.version, c.epoch,
       (SELECT count(*) FROM orders o
        WHERE o.connection_id = c.id AND o.status IN ('open', 'on_hold')) AS would_return,
       (SELECT count(*) FROM orders o WHERE o.connection_id = c.id
        AND o.status IN ('processing', 'shipped', 'cancellation_requested')) AS would_stay
FROM connections c
WHERE c.id = :connection AND (c.brand_id = :account OR c.three_pl_id = :account);

-- name: handover_of_party^
SELECT id, connection_id, epoch, reason, state, returned, stayed, started_at, finished_at
FROM handovers WHERE id = :handover_id AND (brand_id = :account OR three_pl_id = :account);

-- name: orders_of_handover
-- The lines of the history that the sweep wrote; those of before it named the hand-over are known by
-- their time and reason. By an index of returns alone.
SELECT h.id, h.order_id, o.store_id, o.external_id, o.number, h.connection_id,
       v.id AS handover_id, h.why::json->>'reason' AS reason, h.at
FROM handovers v
JOIN order_history h ON h.connection_id = v.connection_id AND h.event = 'order.unassigned'
JOIN orders o ON o.id = h.order_id
WHERE v.id = :handover_id AND (v.brand_id = :account OR v.three_pl_id = :account)
  AND (h.why::json->>'handover_id' = v.id::text
       OR h.why::json->>'handover_id' IS NULL AND h.why::json->>'reason' = v.reason
          AND h.at BETWEEN v.started_at AND coalesce(v.finished_at, now()))
  AND (:after::bigint IS NULL OR h.id < :after)
ORDER BY h.id DESC LIMIT :limit;

-- name: handed_back
-- The newest of each connection, and of those the newest. An order that a move removed is nobody's.
SELECT back.*
FROM connections c CROSS JOIN LATERAL (
    SELECT h.id, h.order_id, o.store_id, o.external_id, o.number, h.connection_id,
           (h.why::json->>'handover_id')::uuid AS handover_id, h.why::json->>'reason' AS reason, h.at
    FROM order_history h JOIN orders o ON o.id = h.order_id
    WHERE h.connection_id = c.id AND h.event = 'order.unassigned'
      AND (:after::bigint IS NULL OR h.id < :after)
    ORDER BY h.id DESC LIMIT :limit
) back
WHERE (NOT :as_three_pl::bool AND c.brand_id = :account
       OR :as_three_pl AND c.three_pl_id = :account)
  AND (:connection::uuid IS NULL OR c.id = :connection)
ORDER BY back.id DESC LIMIT :limit;

-- name: handovers_of_brand
SELECT id, connection_id, epoch, reason, state, returned, stayed, started_at, finished_at
FROM handovers
WHERE brand_id = :account
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;

-- name: handovers_of_three_pl
-- A query of its own: with an OR over both columns no index has the order of the page.
SELECT id, connection_id, epoch, reason, state, returned, stayed, started_at, finished_at
FROM handovers
WHERE three_pl_id = :account
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;
