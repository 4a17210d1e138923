-- name: list_orders
-- A brand sees the orders of its stores, a 3PL those that it owns; in the brand's name it sees the store
-- of their connection, and of other 3PLs' orders nothing. What is not asked for folds away before the
-- statement is planned (plans are made for the values), so each sort is read from an index of its own.
SELECT * FROM order_summaries
WHERE (NOT :as_three_pl::bool AND brand_id = :account
       OR :as_three_pl AND three_pl_id = :account AND connection_id IS NOT NULL)
  AND (:in_store::uuid IS NULL
       OR store_id = :in_store AND (connection_id IS NULL OR connection_id = :in_connection))
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
  AND (:store::uuid IS NULL OR store_id = :store)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:owner::text IS NULL OR (connection_id IS NULL) = (:owner = 'brand'))
  AND (:hold::text IS NULL OR status = 'on_hold' AND EXISTS (
       SELECT FROM holds h
       WHERE h.order_id = order_summaries.id AND h.lifted_at IS NULL AND h.kind = :hold))
  AND (:accepted_after::timestamptz IS NULL OR accepted_at >= :accepted_after)
  AND (:accepted_before::timestamptz IS NULL OR accepted_at < :accepted_before)
  AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
  AND (:numbers::text[] IS NULL OR number = ANY(:numbers) OR external_id = ANY(:numbers))
  AND (:after_id::uuid IS NULL
       OR :sort::text = '-accepted_at' AND (accepted_at, id) < (:after_at::timestamptz, :after_id)
       OR :sort = 'accepted_at' AND (accepted_at, id) > (:after_at, :after_id)
       OR :sort = '-updated_at' AND (updated_at, id) < (:after_at, :after_id)
       OR :sort = 'updated_at' AND (updated_at, id) > (:after_at, :after_id))
ORDER BY CASE WHEN :sort = '-accepted_at' THEN accepted_at
              WHEN :sort = '-updated_at' THEN updated_at END DESC,
         CASE WHEN :sort = 'accepted_at' THEN accepted_at
              WHEN :sort = 'updated_at' THEN updated_at END,
         CASE WHEN :sort IN ('-accepted_at', '-updated_at') THEN id END DESC,
         CASE WHEN :sort IN ('accepted_at', 'updated_at') THEN id END
LIMIT :limit;

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
