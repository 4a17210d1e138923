-- Every query runs with the schema `connections` first on the search path.

-- name: insert_session!
-- tenants: the person's own
INSERT INTO sessions (id, person_id, account_id, device, network)
VALUES (:id, :person_id, :account_id, :device, :network);

-- name: has_sessions$
-- tenants: the person's own
SELECT EXISTS (SELECT FROM sessions WHERE person_id = :person_id);

-- name: insert_refresh_token!
-- tenants: the caller has just made, or holds, the session
INSERT INTO refresh_tokens (digest, session_id) VALUES (:digest, :session_id);

-- name: lock_refresh_token^
-- tenants: all; only who has the token knows its digest
SELECT s.*, p.email, t.used_at < now() - :grace::interval AS is_reused,
    s.ended_at IS NOT NULL OR s.seen_at < now() - :idle::interval AS is_over
FROM refresh_tokens t JOIN sessions s ON s.id = t.session_id JOIN people p ON p.id = s.person_id
WHERE t.digest = :digest FOR UPDATE OF s, t;

-- name: use_refresh_token!
-- tenants: the caller holds it
UPDATE refresh_tokens SET used_at = coalesce(used_at, now()) WHERE digest = :digest;

-- name: see_session!
-- tenants: the caller holds it
UPDATE sessions SET seen_at = now(), device = :device, network = :network WHERE id = :id;

-- name: list_sessions
-- tenants: the person's own
SELECT * FROM sessions
WHERE person_id = :person_id AND ended_at IS NULL AND seen_at > now() - :idle::interval
    AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;

-- name: end_session$
-- tenants: the person's own
UPDATE sessions SET ended_at = now()
WHERE id = :id AND person_id = :person_id AND ended_at IS NULL RETURNING account_id;

-- name: end_sessions
-- tenants: the person's own
UPDATE sessions SET ended_at = now()
WHERE person_id = :person_id AND ended_at IS NULL
    AND (:account_id::uuid IS NULL OR account_id = :account_id::uuid)
RETURNING account_id;
