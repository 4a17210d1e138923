-- name: upsert_orders!
-- tenants: all; the records of a batch are of many
-- The newest of each order; of accounts that were erased nothing is kept.
INSERT INTO orders AS o (id, sequence, store_id, brand_id, three_pl_id, connection_id, external_id,
                         number, status, shipping_rules_owner, support_owner, entered_at, facts)
SELECT t.* FROM unnest(:ids::uuid[], :sequences::int[], :stores::uuid[], :brands::uuid[],
                       :three_pls::uuid[], :connections::uuid[], :external_ids::text[],
                       :numbers::text[], :statuses::text[], :owners::text[],
                       :support_owners::text[], :entered::timestamptz[], :facts::text[])
    AS t (id, sequence, store_id, brand_id, three_pl_id, connection_id, external_id, number, status,
          shipping_rules_owner, support_owner, entered_at, facts)
WHERE NOT EXISTS (SELECT FROM erased_accounts e WHERE e.account_id = t.brand_id)
ON CONFLICT (id) DO UPDATE SET
    sequence = excluded.sequence, three_pl_id = excluded.three_pl_id,
    store_id = excluded.store_id, brand_id = excluded.brand_id,
    connection_id = excluded.connection_id, number = excluded.number, status = excluded.status,
    shipping_rules_owner = excluded.shipping_rules_owner,
    support_owner = excluded.support_owner,
    entered_at = least(o.entered_at, excluded.entered_at),
    facts = coalesce(excluded.facts, o.facts)
WHERE o.sequence < excluded.sequence;
