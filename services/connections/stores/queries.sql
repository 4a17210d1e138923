-- Every query runs with the schema `connections` first on the search path.

-- name: insert_store^
-- Two may add one store at the same moment: the second one gets no row.
INSERT INTO stores (id, brand_id, platform, domain)
VALUES (:id, :brand_id, :platform, :domain)
ON CONFLICT (platform, domain) DO NOTHING
RETURNING *;

-- name: get_store_of_brand^
SELECT * FROM stores
WHERE platform = :platform AND domain = :domain AND brand_id = :brand_id;

-- name: get_store_access^
-- A 3PL sees the store as long as a connection of its own is not over. Whose credentials they are
-- depends on whether the brand has logged in yet.
SELECT s.*, s.brand_id = :account_id AS is_brand, a.password_hash IS NOT NULL AS brand_logged_in
FROM stores s JOIN accounts a ON a.id = s.brand_id
WHERE s.id = :store_id
    AND (s.brand_id = :account_id
        OR EXISTS (SELECT FROM connections c
            WHERE c.store_id = s.id AND c.three_pl_id = :account_id
                AND c.state IN ('pending', 'inactive', 'active')));

-- name: lock_store$
-- tenants: the caller was shown the store or a connection of it, and reads it again after this
-- Whatever changes a connection or a credential of a store holds this lock: changes of one store
-- happen one after the other, and one lock cannot deadlock.
SELECT id FROM stores WHERE id = :id FOR NO KEY UPDATE;

-- name: touch_store^
-- tenants: the caller holds the store's lock for an account that may change it
UPDATE stores SET version = version + 1, changed_at = now() WHERE id = :id RETURNING *;

-- name: update_payment_rules!
-- tenants: the caller holds the store's lock for its brand
UPDATE stores SET hold_unpaid = :hold_unpaid, ship_unpaid_methods = :ship_unpaid_methods
WHERE id = :id;

-- name: insert_credential!
INSERT INTO store_credentials (id, store_id, kind, digest, sealed_secret, created_by)
VALUES (:id, :store_id, :kind, :digest, :sealed_secret, :created_by);

-- name: list_credentials
-- tenants: whoever asks was shown the store in the same session (get_store_access)
SELECT * FROM store_credentials WHERE store_id = :store_id AND revoked_at IS NULL ORDER BY id;

-- name: revoke_credential!
-- tenants: the caller holds the store's lock for an account that may change it
-- The row stays as a record of who revoked it; the secret goes.
UPDATE store_credentials
SET revoked_at = now(), revoked_by = :revoked_by, digest = NULL, sealed_secret = NULL
WHERE id = :id AND store_id = :store_id AND revoked_at IS NULL;

-- name: settle_claimed_credentials
-- tenants: the caller holds the store's lock for its brand, which accepts
UPDATE store_credentials
SET created_by = CASE WHEN id = ANY(:adopted::uuid[]) THEN :brand_id::uuid ELSE created_by END,
    revoked_at = CASE WHEN id = ANY(:adopted::uuid[]) THEN NULL ELSE now() END,
    revoked_by = CASE WHEN id = ANY(:adopted::uuid[]) THEN NULL ELSE :brand_id::uuid END,
    digest = CASE WHEN id = ANY(:adopted::uuid[]) THEN digest END,
    sealed_secret = CASE WHEN id = ANY(:adopted::uuid[]) THEN sealed_secret END
WHERE store_id = :store_id AND created_by <> :brand_id::uuid AND revoked_at IS NULL
RETURNING id;

-- name: revoke_credentials_of!
-- tenants: the caller holds the store's lock for a party of the connection that ends
UPDATE store_credentials
SET revoked_at = now(), revoked_by = :revoked_by, digest = NULL, sealed_secret = NULL
WHERE store_id = :store_id AND created_by = :created_by AND revoked_at IS NULL;

-- name: is_valid_credential$
-- tenants: whoever asks made it, and may change the store's credentials now
SELECT EXISTS (SELECT FROM store_credentials WHERE id = :id AND revoked_at IS NULL);
