-- name: entries
-- tenants: both sides see an entry: :account is debit_account or credit_account
-- Newest first. Each side by its own index; an order's by its shipments.
SELECT e.*, r.reason FROM (
    (SELECT * FROM ledger_entries
     WHERE credit_account = :account AND entered_at >= :since AND entered_at < :until
       AND (:before::timestamptz IS NULL OR (entered_at, id) < (:before, :before_id))
       AND (:shipment::uuid IS NULL OR shipment_id = :shipment)
       AND (:order_id::uuid IS NULL OR shipment_id = ANY(ARRAY(
            SELECT shipment_id FROM ledger_shipments WHERE order_id = :order_id)))
       AND (:phase::text IS NULL OR phase = :phase)
       AND (:currency::text IS NULL OR currency = :currency)
     ORDER BY entered_at DESC, id DESC LIMIT :limit)
    UNION ALL
    (SELECT * FROM ledger_entries
     WHERE debit_account = :account AND entered_at >= :since AND entered_at < :until
       AND (:before::timestamptz IS NULL OR (entered_at, id) < (:before, :before_id))
       AND (:shipment::uuid IS NULL OR shipment_id = :shipment)
       AND (:order_id::uuid IS NULL OR shipment_id = ANY(ARRAY(
            SELECT shipment_id FROM ledger_shipments WHERE order_id = :order_id)))
       AND (:phase::text IS NULL OR phase = :phase)
       AND (:currency::text IS NULL OR currency = :currency)
     ORDER BY entered_at DESC, id DESC LIMIT :limit)
) e LEFT JOIN ledger_reasons r ON r.entry_id = e.id
ORDER BY e.entered_at DESC, e.id DESC LIMIT :limit;

-- name: balances
-- tenants: both sides see an entry: :account is debit_account or credit_account
-- What the account is owed by each other one, less what it owes.
SELECT currency, other,
    sum(CASE phase WHEN 'pending' THEN amount WHEN 'corrected' THEN 0 ELSE -amount END) AS pending,
    sum(CASE WHEN phase IN ('posted', 'corrected') THEN amount ELSE 0 END) AS posted
FROM (SELECT currency, debit_account AS other, phase, amount FROM ledger_entries
      WHERE credit_account = :account
      UNION ALL
      SELECT currency, credit_account, phase, -amount FROM ledger_entries
      WHERE debit_account = :account) e
GROUP BY currency, other ORDER BY currency, other;

-- name: unpriced
-- tenants: the account on the credit side (credit_account)
SELECT u.id, u.shipment_id, u.price_list_id, u.item, u.why, u.debit_account, u.noticed_at,
    s.order_id, s.weight_grams, s.carrier
FROM unpriced u JOIN ledger_shipments s USING (shipment_id)
WHERE u.credit_account = :account AND u.settled_at IS NULL
  AND (:after::timestamptz IS NULL OR (u.noticed_at, u.id) > (:after, :after_id))
ORDER BY u.noticed_at, u.id LIMIT :limit;
