-- Every query runs with the schema `connections` first on the search path.

-- name: insert_client
INSERT INTO api_clients (id, account_id, name, scopes, valid_from, created_by)
VALUES (:id, :account_id, :name, :scopes, :valid_from, :created_by) RETURNING *;

-- name: list_clients
SELECT * FROM api_clients
WHERE account_id = :account_id AND ended_at IS NULL AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;

-- name: count_clients$
SELECT count(*) FROM api_clients WHERE account_id = :account_id AND ended_at IS NULL;

-- name: lock_client^
SELECT * FROM api_clients
WHERE id = :id AND account_id = :account_id AND ended_at IS NULL FOR UPDATE;

-- name: list_secrets
-- tenants: whoever asks was shown the clients in the same session
SELECT id, client_id, created_at FROM api_client_secrets
WHERE client_id = ANY(:clients::uuid[]) AND revoked_at IS NULL ORDER BY id;

-- name: is_valid_secret$
SELECT EXISTS (SELECT FROM api_client_secrets s JOIN api_clients c ON c.id = s.client_id
               WHERE s.id = :id AND c.account_id = :account_id
                   AND s.revoked_at IS NULL AND c.ended_at IS NULL);

-- name: insert_secret!
-- tenants: the caller holds the client for its account
INSERT INTO api_client_secrets (id, client_id, digest) VALUES (:id, :client_id, :digest);

-- name: revoke_secret!
-- tenants: the caller holds the client for its account
UPDATE api_client_secrets SET revoked_at = now()
WHERE id = :id AND client_id = :client_id AND revoked_at IS NULL;

-- name: revoke_tokens!
-- tenants: the caller holds the client for its account
UPDATE api_clients SET valid_from = :valid_from WHERE id = :id;

-- name: end_client!
-- tenants: the caller holds the client for its account
UPDATE api_clients SET ended_at = now() WHERE id = :id;

-- name: get_authenticated^
-- tenants: all; only who has the secret knows its digest
SELECT c.id, c.account_id, a.kind, c.scopes, a.version
FROM api_client_secrets s
JOIN api_clients c ON c.id = s.client_id
JOIN accounts a ON a.id = c.account_id
WHERE s.digest = :digest AND s.client_id = :id AND s.revoked_at IS NULL AND c.ended_at IS NULL;
