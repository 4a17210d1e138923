-- name: newest_rules^
SELECT account_id, version, rules, fallback, set_by, set_at FROM shipping_rules
WHERE account_id = :account ORDER BY version DESC LIMIT 1;

-- name: newest_rules_of
-- tenants: all; the records of a batch are of many
SELECT DISTINCT ON (account_id) account_id, version, rules, fallback, set_by, set_at
FROM shipping_rules WHERE account_id = ANY(:accounts::uuid[])
ORDER BY account_id, version DESC;

-- name: rules_versions
SELECT account_id, version, rules, fallback, set_by, set_at FROM shipping_rules
WHERE account_id = :account AND (:before::int IS NULL OR version < :before)
ORDER BY version DESC LIMIT :limit;

-- name: add_rules$
-- Whoever is second with the same version changes nothing, and is told so.
INSERT INTO shipping_rules (account_id, version, rules, fallback, set_by)
SELECT :account, :version, :rules, :fallback, :set_by
WHERE NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = :account)
ON CONFLICT (account_id, version) DO NOTHING RETURNING set_at;

-- name: order_of_rules^
-- tenants: the account whose rules count, a party of the order (rules_of)
-- An order that the account's rules count for.
SELECT id, external_id, number, entered_at, facts FROM orders
WHERE id = :order_id AND rules_of = :account AND facts IS NOT NULL;

-- name: newest_orders
-- tenants: the account whose rules count, a party of the order (rules_of)
SELECT id, external_id, number, entered_at, facts FROM orders
WHERE rules_of = :account AND facts IS NOT NULL
ORDER BY entered_at DESC, id DESC LIMIT :limit;
