-- name: add_shipments
-- Those that are new.
INSERT INTO ledger_shipments (shipment_id, order_id, brand_id, three_pl_id, billing_of, item_count,
                              weight_grams, carrier, own_contract, processed_at)
SELECT t.* FROM unnest(:ids::uuid[], :orders::uuid[], :brands::uuid[], :three_pls::uuid[],
                       :billing::uuid[], :item_counts::int[], :weights::bigint[],
                       :carriers::text[], :own_contracts::boolean[], :times::timestamptz[])
    AS t (id, order_id, brand, three_pl, billing, item_count, weight, carrier, own_contract, at)
ORDER BY t.id
ON CONFLICT DO NOTHING RETURNING shipment_id;

-- name: lock_orders
-- tenants: whose shipments these are was asked before
-- All shipments of their orders: an order bears some fees once.
SELECT shipment_id FROM ledger_shipments WHERE order_id = ANY(ARRAY(
    SELECT order_id FROM ledger_shipments WHERE shipment_id = ANY(:shipments::uuid[])))
ORDER BY shipment_id FOR UPDATE;

-- name: mark_posted!
-- tenants: whose shipments these are was asked before
UPDATE ledger_shipments SET posted_at = now()
WHERE shipment_id = ANY(:shipments::uuid[]) AND posted_at IS NULL AND voided_at IS NULL;

-- name: mark_voided!
-- tenants: whose shipments these are was asked before
UPDATE ledger_shipments SET voided_at = now()
WHERE shipment_id = ANY(:shipments::uuid[]) AND voided_at IS NULL;

-- name: valid_lists
-- tenants: who is charged by whom was decided before; each debt finds the lists of its own two
-- The list of each debt: the charged account's own before the one for everybody; of its versions
-- that are valid then, the newest.
SELECT array_agg(d.number) AS numbers, f.id, f.currency, f.version, f.prices
FROM unnest(:credits::uuid[], :debits::uuid[], :times::timestamptz[])
    WITH ORDINALITY AS d (credit, debit, at, number)
CROSS JOIN LATERAL (
    SELECT l.id, l.currency, v.version, v.prices
    FROM price_lists l JOIN price_list_versions v ON v.price_list_id = l.id
    WHERE l.account_id = d.credit AND (l.charged_account = d.debit OR l.charged_account IS NULL)
      AND v.valid_from <= d.at
    ORDER BY l.charged_account IS NULL, v.version DESC LIMIT 1) f
GROUP BY f.id, f.currency, f.version, f.prices;

-- name: add_pending!
-- What is there already stays as it is.
INSERT INTO ledger_entries (
    id, phase, debit_account, credit_account, amount, currency, digits, price_list_id, version, item,
    basis, quantity, shipment_id, order_id, brand_id, three_pl_id)
SELECT t.id, 'pending', t.debit, t.credit, t.amount, t.currency, t.digits, t.list, t.version, t.item,
    t.basis, t.quantity, t.shipment, t.order_id, t.brand, t.three_pl
FROM unnest(:ids::uuid[], :debits::uuid[], :credits::uuid[], :amounts::numeric[],
            :currencies::text[], :digits::int[], :lists::uuid[], :versions::int[], :items::text[],
            :bases::text[], :quantities::bigint[], :shipments::uuid[], :orders::uuid[],
            :brands::uuid[], :three_pls::uuid[])
    AS t (id, debit, credit, amount, currency, digits, list, version, item, basis, quantity,
          shipment, order_id, brand, three_pl)
ORDER BY t.id
ON CONFLICT DO NOTHING;

-- name: add_unpriced!
INSERT INTO unpriced (id, shipment_id, price_list_id, item, why, debit_account, credit_account)
SELECT t.* FROM unnest(:ids::uuid[], :shipments::uuid[], :lists::uuid[], :items::text[],
                       :whys::text[], :debits::uuid[], :credits::uuid[])
    AS t (id, shipment, list, item, why, debit, credit)
ORDER BY t.id
ON CONFLICT DO NOTHING;

-- name: open_entries
-- tenants: whose shipments these are was asked before; the ledger ends what they have pending
-- What is pending and has no end yet.
SELECT id, shipment_id, price_list_id, item FROM ledger_entries p
WHERE p.shipment_id = ANY(:shipments::uuid[]) AND p.phase = 'pending' AND NOT EXISTS (
    SELECT FROM ledger_entries e WHERE e.pending_id = p.id AND e.phase IN ('posted', 'voided'));

-- name: add_ends
-- Ends what is pending; what has an end already, or an order's fee that another shipment has
-- borne, is left as it is.
INSERT INTO ledger_entries (
    id, phase, pending_id, debit_account, credit_account, amount, currency, digits, price_list_id,
    version, item, basis, quantity, round, shipment_id, order_id, brand_id, three_pl_id)
SELECT t.id, :phase, p.id, p.debit_account, p.credit_account, p.amount, p.currency, p.digits,
    p.price_list_id, p.version, p.item, p.basis, p.quantity,
    -- An order's fee that went back with its shipment can be charged with the next one.
    CASE WHEN p.basis = 'order' THEN (
        SELECT count(*) FROM ledger_entries o
        JOIN ledger_entries c ON c.shipment_id = o.shipment_id AND c.pending_id = o.id
        WHERE o.order_id = p.order_id AND o.price_list_id = p.price_list_id AND o.item = p.item
          AND o.phase = 'posted' AND o.basis = 'order'
          AND c.phase = 'corrected' AND c.entered_by IS NULL) ELSE 0 END,
    p.shipment_id, p.order_id, p.brand_id, p.three_pl_id
FROM unnest(:ids::uuid[], :pending::uuid[]) AS t (id, pending)
JOIN ledger_entries p ON p.id = t.pending
ORDER BY p.order_id, p.price_list_id, p.item, p.shipment_id
ON CONFLICT DO NOTHING RETURNING id, pending_id;

-- name: to_give_back
-- tenants: whose shipments these are was asked before
-- What was posted for shipments that are voided and is not given back yet. An order's own fee stays
-- while another of its shipments is charged, and goes back with the last one.
SELECT p.id, p.shipment_id, p.price_list_id, p.item, p.amount - g.amount AS left_over,
    g.number AS corrections
FROM ledger_shipments s
JOIN ledger_entries p ON p.shipment_id = s.shipment_id AND p.phase = 'posted'
CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.amount), 0) AS amount, count(*) AS number FROM ledger_entries c
    WHERE c.shipment_id = p.shipment_id AND c.pending_id = p.id AND c.phase = 'corrected') g
WHERE s.order_id = ANY(ARRAY(
        SELECT order_id FROM ledger_shipments WHERE shipment_id = ANY(:shipments::uuid[])))
  AND s.voided_at IS NOT NULL AND p.amount > g.amount
  AND (p.basis <> 'order' OR NOT EXISTS (
        SELECT FROM ledger_shipments o WHERE o.order_id = s.order_id
          AND o.posted_at IS NOT NULL AND o.voided_at IS NULL));

-- name: add_corrections
-- From the credit side to the debit side.
INSERT INTO ledger_entries (
    id, phase, pending_id, debit_account, credit_account, amount, currency, digits, price_list_id,
    version, item, basis, quantity, shipment_id, order_id, brand_id, three_pl_id, entered_by)
SELECT t.id, 'corrected', p.id, p.credit_account, p.debit_account, t.amount, p.currency, p.digits,
    p.price_list_id, p.version, p.item, 'correction', 1, p.shipment_id, p.order_id, p.brand_id,
    p.three_pl_id, :entered_by::uuid
FROM unnest(:ids::uuid[], :posted::uuid[], :amounts::numeric[]) AS t (id, posted, amount)
JOIN ledger_entries p ON p.id = t.posted
ORDER BY t.id
ON CONFLICT DO NOTHING RETURNING id;

-- name: add_reasons!
INSERT INTO ledger_reasons (entry_id, brand_id, three_pl_id, reason)
SELECT e.id, e.brand_id, e.three_pl_id, :reason
FROM ledger_entries e WHERE e.id = ANY(:entries::uuid[])
ON CONFLICT DO NOTHING;

-- name: void_unpriced!
-- tenants: whose shipments these are was asked before
UPDATE unpriced SET settled_at = now(), outcome = 'voided'
WHERE shipment_id = ANY(:shipments::uuid[]) AND settled_at IS NULL;

-- name: posted_entry^
-- tenants: :account is credit_account or debit_account
-- A posted entry, what is left of it, and how often some of it was given back.
SELECT p.id, p.phase, p.credit_account, p.shipment_id, p.price_list_id, p.item, p.currency,
    p.amount - g.amount AS left_over, g.number AS corrections
FROM ledger_entries p CROSS JOIN LATERAL (
    SELECT coalesce(sum(c.amount), 0) AS amount, count(*) AS number FROM ledger_entries c
    WHERE c.shipment_id = p.shipment_id AND c.pending_id = p.id AND c.phase = 'corrected') g
WHERE p.id = :entry AND :account IN (p.credit_account, p.debit_account);

-- name: entry_shown^
-- tenants: :account is credit_account or debit_account
SELECT e.*, r.reason FROM ledger_entries e LEFT JOIN ledger_reasons r ON r.entry_id = e.id
WHERE e.id = :entry AND :account IN (e.credit_account, e.debit_account);

-- name: unpriced_ids
-- tenants: the account on the credit side (credit_account)
SELECT id, shipment_id, noticed_at FROM unpriced
WHERE credit_account = :account AND settled_at IS NULL
  AND (:after::timestamptz IS NULL OR (noticed_at, id) > (:after, :after_id))
ORDER BY noticed_at, id LIMIT :limit;

-- name: unpriced_now
-- tenants: of the account that asked for their ids
-- Those that are still open, each with the version of its list that is valid now.
SELECT u.id AS unpriced_id, u.item, u.debit_account, u.credit_account, s.*, s.processed_at AS at,
    l.id AS list_id, l.currency, v.version, v.prices
FROM unpriced u JOIN ledger_shipments s USING (shipment_id)
JOIN price_lists l ON l.id = u.price_list_id
CROSS JOIN LATERAL (
    SELECT version, prices FROM price_list_versions
    WHERE price_list_id = l.id AND valid_from <= now() ORDER BY version DESC LIMIT 1) v
WHERE u.id = ANY(:ids::uuid[]) AND u.settled_at IS NULL;

-- name: settle_unpriced!
-- tenants: of the account that asked for their ids
UPDATE unpriced SET settled_at = now(), outcome = 'priced' WHERE id = ANY(:ids::uuid[]);
