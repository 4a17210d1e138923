-- name: insert_session!
-- tenants: a session is found by the secret that its browser keeps
INSERT INTO sessions (id, cookie_digest, sealed) VALUES (:id, :digest, :sealed);

-- name: session_of_cookie^
-- tenants: as above
SELECT id, sealed, version FROM sessions
WHERE cookie_digest = :digest AND seen_at > now() - :idle::interval;

-- name: session_of_id^
-- tenants: as above
SELECT id, sealed, version FROM sessions WHERE id = :id;

-- name: keep_session!
-- tenants: as above
-- Only on what was read: whoever refreshed it meanwhile has the newer tokens.
UPDATE sessions SET sealed = :sealed, version = version + 1, seen_at = now()
WHERE id = :id AND version = :version;

-- name: delete_session!
-- tenants: as above
DELETE FROM sessions WHERE id = :id;

-- name: delete_idle_sessions!
-- tenants: all; those that nobody used for long
DELETE FROM sessions WHERE id IN (
    SELECT id FROM sessions WHERE seen_at < now() - :idle::interval ORDER BY seen_at LIMIT 1000);
