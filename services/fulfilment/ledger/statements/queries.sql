-- name: sums
-- tenants: both sides see an entry: :account is debit_account or credit_account
-- What the account is owed, less what it owes, by the entries of a period.
SELECT currency, other, basis, sum(amount) AS amount, count(*) AS entries
FROM (SELECT currency, debit_account AS other, basis, amount FROM ledger_entries
      WHERE credit_account = :account AND phase IN ('posted', 'corrected')
        AND entered_at >= :since AND entered_at < :until
      UNION ALL
      SELECT currency, credit_account, basis, -amount FROM ledger_entries
      WHERE debit_account = :account AND phase IN ('posted', 'corrected')
        AND entered_at >= :since AND entered_at < :until) e
GROUP BY currency, other, basis ORDER BY currency, other, basis;

-- name: opening
-- tenants: both sides see an entry: :account is debit_account or credit_account
SELECT currency, sum(amount) AS amount
FROM (SELECT currency, amount FROM ledger_entries
      WHERE credit_account = :account AND phase IN ('posted', 'corrected') AND entered_at < :since
      UNION ALL
      SELECT currency, -amount FROM ledger_entries
      WHERE debit_account = :account AND phase IN ('posted', 'corrected') AND entered_at < :since) e
GROUP BY currency ORDER BY currency;

-- name: lines
-- tenants: both sides see an entry: :account is debit_account or credit_account
-- A page of a period, the oldest first; each side by its own index.
SELECT e.*, r.reason FROM (
    (SELECT *, debit_account AS other, amount AS signed FROM ledger_entries
     WHERE credit_account = :account AND phase IN ('posted', 'corrected')
       AND (entered_at, id) > (:after::timestamptz, :after_id::uuid) AND entered_at < :until
     ORDER BY entered_at, id LIMIT :limit)
    UNION ALL
    (SELECT *, credit_account, -amount FROM ledger_entries
     WHERE debit_account = :account AND phase IN ('posted', 'corrected')
       AND (entered_at, id) > (:after::timestamptz, :after_id::uuid) AND entered_at < :until
     ORDER BY entered_at, id LIMIT :limit)
) e LEFT JOIN ledger_reasons r ON r.entry_id = e.id
ORDER BY e.entered_at, e.id LIMIT :limit;
