-- name: list_orders
-- A brand sees the orders of its stores, a 3PL those that it owns; in the brand's name it sees the store
-- of their connection, and of other 3PLs' orders nothing. What is not asked for folds away before the
-- statement is planned (plans are made for the values), so each sort is read from an index of its own.
-- `few`: the words find few orders, which are sorted; else they stand everywhere, and orders are looked
-- at in the order of the list. The planner does not know which: it took up to a second with 100,000.
SELECT id, store_id, external_id, number, status, connection_id, version, sequence, settings_version,
       total, currency, created_at, accepted_at, updated_at, holds, erased_at, brand_id, epoch,
       shipping_rules_owner, billing_owner, support_owner, cancel_too_late,
       CASE WHEN :whole::bool THEN payload END AS payload, shipments
FROM order_summaries
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
  AND (:numbers::text[] IS NULL
       OR search @@ :words_of_numbers::tsquery
          AND (number = ANY(:numbers) OR external_id = ANY(:numbers)))
  AND (:words::tsquery IS NULL OR :few::bool AND search @@ :words
       OR NOT :few AND CASE WHEN search @@ :words THEN true END)
  AND (:after_id::uuid IS NULL
       OR :sort::text = '-accepted_at' AND (accepted_at, id) < (:after_at::timestamptz, :after_id)
       OR :sort = 'accepted_at' AND (accepted_at, id) > (:after_at, :after_id)
       OR :sort = '-updated_at' AND (updated_at, id) < (:after_at, :after_id)
       OR :sort = 'updated_at' AND (updated_at, id) > (:after_at, :after_id))
ORDER BY CASE WHEN :sort = '-accepted_at' AND :few THEN accepted_at + interval '0'
              WHEN :sort = '-accepted_at' THEN accepted_at
              WHEN :sort = '-updated_at' THEN updated_at END DESC,
         CASE WHEN :sort = 'accepted_at' AND :few THEN accepted_at + interval '0'
              WHEN :sort = 'accepted_at' THEN accepted_at
              WHEN :sort = 'updated_at' THEN updated_at END,
         CASE WHEN :sort IN ('-accepted_at', '-updated_at') THEN id END DESC,
         CASE WHEN :sort IN ('accepted_at', 'updated_at') THEN id END
LIMIT :limit;

-- name: count_found$
-- How many orders have the words, as far as that matters for how to read them.
SELECT count(*) FROM (
    SELECT FROM order_summaries
    WHERE (NOT :as_three_pl::bool AND brand_id = :account
           OR :as_three_pl AND three_pl_id = :account AND connection_id IS NOT NULL)
      AND search @@ :words::tsquery
    LIMIT :most
) found;

-- name: count_orders
-- The same filter, but for what a menu lets one choose (status, store, connection, owner): that is told
-- apart. No more than so many are looked at, whatever the account has.
SELECT connection_id, store_id, status, count(*) AS orders
FROM (
    SELECT connection_id, store_id, status FROM order_summaries
    WHERE (NOT :as_three_pl::bool AND brand_id = :account
           OR :as_three_pl AND three_pl_id = :account AND connection_id IS NOT NULL)
      AND (:in_store::uuid IS NULL
           OR store_id = :in_store AND (connection_id IS NULL OR connection_id = :in_connection))
      AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
      AND (:hold::text IS NULL OR status = 'on_hold' AND EXISTS (
           SELECT FROM holds h
           WHERE h.order_id = order_summaries.id AND h.lifted_at IS NULL AND h.kind = :hold))
      AND (:accepted_after::timestamptz IS NULL OR accepted_at >= :accepted_after)
      AND (:accepted_before::timestamptz IS NULL OR accepted_at < :accepted_before)
      AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
      AND (:numbers::text[] IS NULL
           OR search @@ :words_of_numbers::tsquery
              AND (number = ANY(:numbers) OR external_id = ANY(:numbers)))
      AND (:words::tsquery IS NULL OR search @@ :words)
    LIMIT :most
) found
GROUP BY connection_id, store_id, status;

-- name: order_of_party^
SELECT * FROM order_summaries
WHERE id = :order_id
  AND (brand_id = :account OR three_pl_id = :account AND connection_id IS NOT NULL)
  AND (:in_store::uuid IS NULL
       OR store_id = :in_store AND (connection_id IS NULL OR connection_id = :in_connection));

-- name: history_of_order
-- tenants: whoever asks was shown the order in the same session (order_of_party)
SELECT id, at, kind, event, sequence, status, connection_id, why, times
FROM order_history
WHERE order_id = :order_id AND id > :after
  AND (:in_connection::uuid IS NULL OR connection_id IS NULL OR connection_id = :in_connection)
ORDER BY id LIMIT :limit;
