-- Every query runs with the schema `connections` first on the search path.

-- name: list_expired_claims
-- tenants: all; what nobody accepted ends
SELECT c.id AS connection_id, c.store_id, c.brand_id AS account_id, c.three_pl_id
FROM connections c
WHERE c.state = 'pending' AND c.created_at < now() - :kept::interval
    AND NOT EXISTS (SELECT FROM login_links l
                    WHERE l.connection_id = c.id AND l.expires_at > now() - :kept::interval)
ORDER BY c.created_at LIMIT :limit;

-- name: is_expired_claim$
-- tenants: all; the caller holds the store's lock
SELECT EXISTS (
    SELECT FROM connections c
    WHERE c.id = :connection_id AND c.state = 'pending' AND c.created_at < now() - :kept::interval
        AND NOT EXISTS (SELECT FROM login_links l
                        WHERE l.connection_id = c.id
                            AND l.expires_at > now() - :kept::interval));

-- name: list_ended_claims
-- tenants: all; what nobody can accept any more
-- Disconnected by their 3PL before anybody had accepted: nobody works in the account.
SELECT c.id AS connection_id, c.store_id, c.brand_id AS account_id, c.three_pl_id
FROM connections c JOIN accounts a ON a.id = c.brand_id
WHERE c.state = 'disconnected' AND c.epoch = 0 AND a.erased_at IS NULL
    AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)
    AND NOT EXISTS (SELECT FROM connections o
                    WHERE o.brand_id = a.id AND o.state = 'pending')
ORDER BY c.id LIMIT :limit;

-- name: is_ended_claim$
-- tenants: all; the caller holds the account
SELECT EXISTS (
    SELECT FROM accounts a
    WHERE a.id = :account_id AND a.erased_at IS NULL
        AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)
        AND NOT EXISTS (SELECT FROM connections o
                        WHERE o.brand_id = a.id AND o.state = 'pending'));

-- name: lock_free_account$
-- tenants: all; the caller reads the claim again
-- Before the store, as who accepts.
SELECT true FROM accounts WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED;

-- name: is_somebodys$
-- tenants: all; the caller holds the account
SELECT EXISTS (SELECT FROM memberships WHERE account_id = :account_id);

-- name: lock_free_store$
-- tenants: all; the caller reads the claim again
-- The store's lock, unless somebody has it: another process, or the client who accepts right now.
SELECT true FROM stores WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED;

-- name: sweep_login_links!
-- tenants: all; what is old goes
DELETE FROM login_links WHERE digest IN (
    SELECT digest FROM login_links
    WHERE created_at < now() - :kept::interval AND expires_at < now()
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: sweep_mailed_links!
-- tenants: all; what is old goes
DELETE FROM mailed_links WHERE digest IN (
    SELECT digest FROM mailed_links
    WHERE created_at < now() - :kept::interval AND expires_at < now()
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: sweep_challenges!
-- tenants: all; what is over goes
DELETE FROM store_challenges WHERE (store_id, account_id) IN (
    SELECT store_id, account_id FROM store_challenges
    WHERE expires_at < now() ORDER BY expires_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: sweep_login_attempts!
-- tenants: all; what is over goes
DELETE FROM login_attempts WHERE subject IN (
    SELECT subject FROM login_attempts
    WHERE ends_at < now() ORDER BY ends_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: sweep_idempotency_keys!
DELETE FROM idempotency_keys WHERE (scope, key) IN (
    SELECT scope, key FROM idempotency_keys
    WHERE created_at < now() - :kept::interval
    ORDER BY created_at LIMIT :limit FOR UPDATE SKIP LOCKED);
