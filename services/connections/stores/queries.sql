-- Every query runs with the schema `connections` first on the search path.

-- name: insert_store
-- Who adds a store holds the account: it found none.
INSERT INTO stores (id, brand_id, platform, domain)
VALUES (:id, :brand_id, :platform, :domain) RETURNING *;

-- name: get_store_of_brand^
SELECT * FROM stores
WHERE platform = :platform AND domain = :domain AND brand_id = :brand_id AND alias_of IS NULL;

-- name: list_stores
SELECT * FROM stores
WHERE brand_id = :brand_id AND alias_of IS NULL AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;

-- name: get_store_access^
-- An alias is the store that it stands for. A 3PL sees the store as long as a connection of its own
-- is not over. Whose credentials they are depends on whether its brand has accepted.
SELECT s.*, s.brand_id = :account_id AS is_brand,
    EXISTS (SELECT FROM memberships m WHERE m.account_id = s.brand_id) AS has_people
FROM stores given JOIN stores s ON s.id = coalesce(given.alias_of, given.id)
WHERE given.id = :store_id
    AND (s.brand_id = :account_id
        OR EXISTS (SELECT FROM connections c
            WHERE c.store_id = s.id AND c.three_pl_id = :account_id
                AND c.state IN ('pending', 'inactive', 'active')));

-- name: get_store^
-- tenants: the caller holds the store's lock for an account that may change it
SELECT * FROM stores WHERE id = :id;

-- name: list_aliases
-- tenants: the caller holds the store's lock for an account that may change it
SELECT id FROM stores WHERE alias_of = :store_id ORDER BY id;

-- name: move_store!
-- tenants: the caller holds the claim's lock for the account that accepts it
-- An alias has the rules of the store that it stands for.
UPDATE stores s SET former_brand_id = s.brand_id, brand_id = :brand_id, alias_of = c.id,
    hold_unpaid = coalesce(c.hold_unpaid, s.hold_unpaid),
    ship_unpaid_methods = coalesce(c.ship_unpaid_methods, s.ship_unpaid_methods)
FROM (VALUES (:alias_of::uuid)) AS given (id) LEFT JOIN stores c ON c.id = given.id
WHERE s.id = :id;

-- name: lock_store$
-- tenants: the caller was shown the store or a connection of it, and reads it again after this
-- Whatever changes a connection or a credential of a store holds this lock: changes of one store
-- happen one after the other, and one lock cannot deadlock.
SELECT id FROM stores WHERE id = :id FOR NO KEY UPDATE;

-- name: lock_shop$
-- A shop may be a store of several accounts: this is what they wait for each other at. Always taken
-- before the store's lock.
SELECT pg_advisory_xact_lock(hashtextextended('shop ' || :platform || ' ' || :domain, 0));

-- name: is_proven_elsewhere$
-- tenants: all; nothing but yes or no leaves it
SELECT EXISTS (SELECT FROM stores
               WHERE platform = :platform AND domain = :domain AND proven_at IS NOT NULL
                   AND brand_id <> :brand_id);

-- name: touch_store^
-- tenants: the caller holds the store's lock for an account that may change it
UPDATE stores SET version = version + 1, changed_at = now() WHERE id = :id RETURNING *;

-- name: update_payment_rules!
-- tenants: the caller holds the store's lock for its brand
UPDATE stores SET hold_unpaid = :hold_unpaid, ship_unpaid_methods = :ship_unpaid_methods
WHERE id = :id OR alias_of = :id;

-- name: insert_credential!
INSERT INTO store_credentials (id, store_id, kind, digest, sealed_secret, created_by)
VALUES (:id, :store_id, :kind, :digest, :sealed_secret, :created_by);

-- name: list_credentials
-- tenants: whoever asks was shown the store in the same session (get_store_access)
SELECT * FROM store_credentials WHERE store_id = :store_id AND revoked_at IS NULL ORDER BY id;

-- name: list_all_credentials
-- tenants: whoever asks was shown the store in the same session (get_store_access)
-- Also those that are good for its aliases.
SELECT * FROM store_credentials
WHERE store_id IN (SELECT id FROM stores WHERE :store_id IN (id, alias_of)) AND revoked_at IS NULL
ORDER BY id;

-- name: revoke_credential$
-- tenants: the caller holds the store's lock for an account that may change it
-- The row stays as a record of who revoked it; the secret goes.
UPDATE store_credentials
SET revoked_at = now(), revoked_by = :revoked_by, digest = NULL, sealed_secret = NULL
WHERE id = :id AND store_id IN (SELECT id FROM stores WHERE :store_id IN (id, alias_of))
    AND revoked_at IS NULL
RETURNING store_id;

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
