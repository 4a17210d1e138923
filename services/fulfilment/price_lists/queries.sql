-- name: shown_lists
-- tenants: :account is the owner or is charged by it (account_id, charged_account, brand_id)
-- Its own, and those that it is charged by: a list for everybody counts where it has none of its
-- own, and a 3PL's for the brands that it has orders of.
SELECT l.id, l.account_id, l.charged_account, l.name, l.currency, l.created_at, v.version,
    v.valid_from, v.prices, v.set_by, v.set_at
FROM price_lists l CROSS JOIN LATERAL (
    SELECT version, valid_from, prices, set_by, set_at FROM price_list_versions
    WHERE price_list_id = l.id ORDER BY version DESC LIMIT 1) v
WHERE (l.account_id = :account OR l.charged_account = :account OR (
        l.charged_account IS NULL
        AND (l.account_id = :operator OR EXISTS (
            SELECT FROM orders o WHERE o.brand_id = :account AND o.three_pl_id = l.account_id))
        AND NOT EXISTS (SELECT FROM price_lists own
            WHERE own.account_id = l.account_id AND own.charged_account = :account)))
  AND (:list_id::uuid IS NULL OR l.id = :list_id)
  AND (:before::uuid IS NULL OR l.id < :before)
ORDER BY l.id DESC LIMIT :limit;

-- name: add_list!
INSERT INTO price_lists (id, account_id, charged_account, name, currency)
SELECT :id, :account, :charged, :name, :currency
WHERE NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = :account)
ON CONFLICT DO NOTHING;

-- name: rename_list!
UPDATE price_lists SET name = :name WHERE id = :list_id AND account_id = :account;

-- name: add_version^
-- Whoever is second with the same version changes nothing, and is told so.
INSERT INTO price_list_versions (price_list_id, version, valid_from, prices, set_by)
VALUES (:list_id, :version, coalesce(:valid_from::timestamptz, now()), :prices, :set_by)
ON CONFLICT DO NOTHING RETURNING valid_from, set_at;

-- name: list_versions
-- tenants: whether the list is shown to the account was asked before
SELECT version, valid_from, prices, set_by, set_at FROM price_list_versions
WHERE price_list_id = :list_id AND (:before::int IS NULL OR version < :before)
ORDER BY version DESC LIMIT :limit;

-- name: newest_charges
-- tenants: the account on the credit side (credit_account)
-- The newest that a list of the account has charged, each with what prices look at.
SELECT e.basis, e.amount, s.shipment_id, s.order_id, s.brand_id, s.three_pl_id, s.billing_of,
    s.item_count, s.weight_grams, s.carrier, s.own_contract, s.processed_at AS at
FROM ledger_entries e JOIN ledger_shipments s USING (shipment_id)
WHERE e.credit_account = :account AND e.price_list_id = :list_id AND e.phase = 'posted'
  AND e.entered_at > now() - interval '90 days'
ORDER BY e.entered_at DESC, e.id DESC LIMIT :limit;
