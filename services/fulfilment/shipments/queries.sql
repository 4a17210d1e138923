-- Every query runs with the schema `fulfilment` first on the search path.

-- name: lock_orders
-- tenants: all; the caller compares brand and 3PL with the account before it says anything
-- Orders before shipments: whoever changes a shipment holds its order.
SELECT id, sequence, status, shipments_version, brand_id, three_pl_id, connection_id, facts, entered_at
FROM orders WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: lock_shipments
-- tenants: of orders that the same session locked
SELECT * FROM shipments WHERE order_id = ANY(:orders::uuid[])
ORDER BY order_id, created_at, sequence, part FOR UPDATE;

-- name: orders_of_shipments
-- tenants: the caller compares brand and 3PL with the account before it says anything
SELECT id, order_id FROM shipments WHERE id = ANY(:ids::uuid[]);

-- name: upsert_shipments!
-- tenants: of orders that the same session locked
INSERT INTO shipments (id, order_id, sequence, part, version, brand_id, three_pl_id, connection_id,
                       rules_of, billing_of, status, chosen_by, rules_version, rule_number,
                       rule_name, shipping, lines, parcels, consignee, created_at, shipped_at,
                       delivered_at, cancelled_at, cancelled_because, is_told, is_outdated, label)
SELECT t.* FROM unnest(:ids::uuid[], :orders::uuid[], :sequences::int[], :parts::int[],
                     :versions::int[], :brands::uuid[], :three_pls::uuid[], :connections::uuid[],
                     :rules_of::uuid[], :billing_of::uuid[], :statuses::text[], :chosen_by::text[],
                     :rules_versions::int[], :rule_numbers::int[], :rule_names::text[],
                     :shippings::text[], :lines::text[], :parcels::text[], :consignees::text[],
                     :created::timestamptz[], :shipped::timestamptz[], :delivered::timestamptz[],
                     :cancelled::timestamptz[], :because::text[], :told::bool[], :outdated::bool[],
                     :labels::text[])
    AS t (id, order_id, sequence, part, version, brand_id)
WHERE NOT EXISTS (SELECT FROM erased_accounts e WHERE e.account_id = t.brand_id)
ON CONFLICT (id) DO UPDATE SET
    version = excluded.version, status = excluded.status, chosen_by = excluded.chosen_by,
    rules_version = excluded.rules_version, rule_number = excluded.rule_number,
    rule_name = excluded.rule_name, shipping = excluded.shipping, lines = excluded.lines,
    parcels = excluded.parcels, consignee = excluded.consignee, shipped_at = excluded.shipped_at,
    delivered_at = excluded.delivered_at, cancelled_at = excluded.cancelled_at,
    cancelled_because = excluded.cancelled_because, is_told = excluded.is_told,
    is_outdated = excluded.is_outdated, label = excluded.label, updated_at = now();

-- name: note_told!
-- tenants: of orders that the same session locked
UPDATE orders AS o SET shipments_version = told.version
FROM unnest(:ids::uuid[], :versions::bigint[]) AS told (id, version) WHERE o.id = told.id;

-- name: list_shipments
-- A brand sees those of its orders, a 3PL those that it works; newest first, from an index of each.
SELECT s.*, o.external_id, o.number FROM shipments s JOIN orders o ON o.id = s.order_id
WHERE (NOT :as_three_pl::bool AND s.brand_id = :account
       OR :as_three_pl AND s.three_pl_id = :account AND s.connection_id IS NOT NULL)
  AND (:statuses::text[] IS NULL OR s.status = ANY(:statuses))
  AND (:labels::text[] IS NULL OR coalesce(s.label, 'none') = ANY(:labels))
  AND (:order_id::uuid IS NULL OR s.order_id = :order_id)
  AND (:chosen_for::bool IS NULL OR s.rules_of = :account)
  AND (:before_at::timestamptz IS NULL OR (s.created_at, s.id) < (:before_at, :before_id::uuid))
ORDER BY s.created_at DESC, s.id DESC LIMIT :limit;

-- name: get_shipment^
SELECT s.*, o.external_id, o.number FROM shipments s JOIN orders o ON o.id = s.order_id
WHERE s.id = :id AND (s.brand_id = :account
                      OR s.three_pl_id = :account AND s.connection_id IS NOT NULL);

-- name: shipments_by_id
-- tenants: the caller compares brand and 3PL with the account, or has a label of them
SELECT s.*, o.external_id, o.number FROM shipments s JOIN orders o ON o.id = s.order_id
WHERE s.id = ANY(:ids::uuid[]);

-- name: shipments_to_choose
-- tenants: the account whose rules count, a party of the order (rules_of)
-- What rules chose and nobody has fixed, or what none of them fits.
SELECT s.id, s.order_id FROM shipments s
WHERE s.rules_of = :account AND s.status IN ('needs_carrier', 'ready')
  AND s.chosen_by IN ('rule', 'fallback', 'needs_carrier', 'no_rules')
  AND (:after::uuid IS NULL OR s.id > :after)
ORDER BY s.id LIMIT :limit;

-- name: count_by_status
-- Of what is waiting, for the badge of a page.
SELECT status, count(*) AS shipments FROM shipments
WHERE (NOT :as_three_pl::bool AND brand_id = :account
       OR :as_three_pl AND three_pl_id = :account AND connection_id IS NOT NULL)
  AND status IN ('needs_carrier', 'ready', 'labelled')
GROUP BY status;
