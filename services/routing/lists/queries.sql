-- name: orders_of_brand
-- In the brand's name its 3PL sees the store of their connection, and of other 3PLs' orders nothing.
SELECT * FROM order_summaries
WHERE brand_id = :account
  AND (:after_at::timestamptz IS NULL OR (accepted_at, id) < (:after_at, :after_id::uuid))
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
  AND (:store::uuid IS NULL OR store_id = :store)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
  AND (:in_store::uuid IS NULL
       OR store_id = :in_store AND (connection_id IS NULL OR connection_id = :in_connection))
ORDER BY accepted_at DESC, id DESC LIMIT :limit;

-- name: orders_of_three_pl
SELECT * FROM order_summaries
WHERE three_pl_id = :account AND connection_id IS NOT NULL
  AND (:after_at::timestamptz IS NULL OR (accepted_at, id) < (:after_at, :after_id::uuid))
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
  AND (:store::uuid IS NULL OR store_id = :store)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
ORDER BY accepted_at DESC, id DESC LIMIT :limit;

-- name: order_of_party^
SELECT s.*, o.payload, o.cancel_too_late, o.epoch, o.shipping_rules_owner, o.billing_owner,
       o.support_owner
FROM order_summaries s JOIN orders o USING (id)
WHERE o.id = :order_id
  AND (o.brand_id = :account OR (o.three_pl_id = :account AND o.connection_id IS NOT NULL))
  AND (:in_store::uuid IS NULL
       OR o.store_id = :in_store
          AND (o.connection_id IS NULL OR o.connection_id = :in_connection));

-- name: history_of_order
-- tenants: whoever asks was shown the order in the same session (order_of_party)
SELECT id, at, kind, event, sequence, status, connection_id, why, times
FROM order_history
WHERE order_id = :order_id AND id > :after
  AND (:in_connection::uuid IS NULL OR connection_id IS NULL OR connection_id = :in_connection)
ORDER BY id LIMIT :limit;

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
