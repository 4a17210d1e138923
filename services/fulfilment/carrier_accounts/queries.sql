-- Every query runs with the schema `fulfilment` first on the search path.

-- name: list_accounts
SELECT * FROM carrier_accounts WHERE account_id = :account AND deleted_at IS NULL
ORDER BY carrier;

-- name: get_account^
SELECT * FROM carrier_accounts
WHERE id = :id AND account_id = :account AND deleted_at IS NULL;

-- name: lock_account^
SELECT * FROM carrier_accounts
WHERE id = :id AND account_id = :account AND deleted_at IS NULL FOR UPDATE;

-- name: accounts_by_id
-- tenants: all; whoever asks names a label of theirs, or proves it by a signature
SELECT * FROM carrier_accounts WHERE id = ANY(:ids::uuid[]);

-- name: accounts_of_carriers
-- tenants: the accounts whose shipping rules chose these carriers
SELECT * FROM carrier_accounts
WHERE (account_id, carrier) IN (SELECT * FROM unnest(:accounts::uuid[], :carriers::text[]))
  AND deleted_at IS NULL;

-- name: add_account!
INSERT INTO carrier_accounts (id, account_id, carrier, kind, name, url, sender_address_id,
                              sealed_keys, version)
SELECT :id, :account, :carrier, :kind, :name, :url, :sender_address_id, :sealed_keys, 1
WHERE NOT EXISTS (SELECT FROM erased_accounts WHERE account_id = :account)
ON CONFLICT (account_id, carrier) WHERE deleted_at IS NULL DO NOTHING;

-- name: change_account!
UPDATE carrier_accounts
SET kind = :kind, name = :name, url = :url, sender_address_id = :sender_address_id,
    sealed_keys = :sealed_keys, version = version + 1, changed_at = now()
WHERE id = :id AND account_id = :account;

-- name: delete_account!
-- What is under way has to end first: nobody could ask what became of it.
UPDATE carrier_accounts SET deleted_at = now(), sealed_keys = NULL, version = version + 1
WHERE id = :id AND account_id = :account
  AND NOT EXISTS (SELECT FROM labels WHERE carrier_account_id = :id AND next_step IS NOT NULL);
