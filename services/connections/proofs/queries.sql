-- Every query runs with the schema `connections` first on the search path.

-- name: list_claimants
-- tenants: all who have this shop; they get a mail that says so, and nothing of each other
-- The store in question first, then the proven one: of many others those of the longest standing.
SELECT s.id AS store_id, p.id AS person_id, p.email, p.language,
    s.proven_at IS NOT NULL AS is_proven,
    EXISTS (SELECT FROM connections c WHERE c.store_id = s.id AND c.state = 'active') AS has_active,
    (SELECT count(*) FROM mails
     WHERE recipient = sha256(convert_to(p.email, 'UTF8')) AND kind = 'same_shop'
         AND created_at > now() - interval '1 hour') AS mails
FROM stores s
JOIN memberships m ON m.account_id = s.brand_id AND m.role = 'owner'
JOIN people p ON p.id = m.person_id
WHERE s.platform = :platform AND s.domain = :domain AND s.alias_of IS NULL
ORDER BY s.id = :store_id DESC, s.proven_at, s.id, p.id LIMIT 100;

-- name: ensure_challenge
-- The same one while it is valid: what was published counts however often somebody asks.
INSERT INTO store_challenges AS c (store_id, account_id, token, expires_at)
VALUES (:store_id, :account_id, :token, now() + :lifetime::interval)
ON CONFLICT (store_id, account_id) DO UPDATE
SET token = CASE WHEN c.expires_at > now() THEN c.token ELSE excluded.token END,
    expires_at = CASE WHEN c.expires_at > now() THEN c.expires_at ELSE excluded.expires_at END
RETURNING *;

-- name: get_challenge^
SELECT * FROM store_challenges
WHERE store_id = :store_id AND account_id = :account_id AND expires_at > now();

-- name: get_proof^
SELECT id AS store_id, proven_at, proven_by FROM stores
WHERE id = :store_id AND brand_id = :account_id AND proven_at IS NOT NULL;

-- name: end_other_proofs
-- tenants: all; the caller holds the shop, whose domain has just said whose it is
UPDATE stores SET proven_at = NULL, proven_by = NULL
WHERE platform = :platform AND domain = :domain AND proven_at IS NOT NULL AND id <> :store_id
RETURNING id;

-- name: prove
UPDATE stores SET proven_at = now(), proven_by = :way
WHERE id = :store_id AND brand_id = :account_id
RETURNING id AS store_id, proven_at, proven_by;

-- name: insert_audit_entries!
INSERT INTO store_audit (id, store_id, account_id, actor_id, action, proven_by)
SELECT id, store_id, :account_id, :actor_id, action, :way
FROM unnest(:ids::uuid[], :store_ids::uuid[], :actions::text[]) AS g (id, store_id, action);
