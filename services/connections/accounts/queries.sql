-- Every query runs with the schema `connections` first on the search path.

-- name: insert_account
INSERT INTO accounts (id, kind, name) VALUES (:id, :kind, :name) RETURNING *;

-- name: get_account^
-- tenants: the account itself
SELECT * FROM accounts WHERE id = :id AND erased_at IS NULL;

-- name: list_accounts
-- tenants: all; the operator
-- What is counted is counted for one page alone. The words are those of the list of connections.
WITH page AS (
    SELECT a.* FROM accounts a
    WHERE a.erased_at IS NULL AND (:kind::text IS NULL OR a.kind = :kind::text)
        AND (:plan::text IS NULL OR a.plan = :plan::text)
        AND (:text::text IS NULL OR (words_of(:text::text) <> '{}' AND NOT EXISTS (
            SELECT FROM unnest(words_of(:text::text)) AS t (term)
            WHERE NOT EXISTS (
                SELECT FROM unnest(words_of(a.name)) AS w (word)
                WHERE starts_with(w.word, t.term)))))
        AND (:after::uuid IS NULL OR a.id < :after::uuid)
    ORDER BY a.id DESC LIMIT :limit
)
SELECT p.id, p.kind, p.name, p.plan, p.created_at,
    (SELECT count(*) FROM memberships m WHERE m.account_id = p.id) AS people,
    (SELECT coalesce(json_object_agg(s.state, s.count), '{}')
     FROM (SELECT c.state, count(*) FROM connections c
           WHERE CASE p.kind WHEN 'brand' THEN c.brand_id ELSE c.three_pl_id END = p.id
           GROUP BY c.state) AS s) AS connections
FROM page p ORDER BY p.id DESC;

-- name: count_active$
-- tenants: all; the operator
SELECT count(*) FROM connections WHERE three_pl_id = :id AND state = 'active';

-- name: set_plan$
-- tenants: all; the operator
UPDATE accounts SET plan = :plan WHERE id = :id AND erased_at IS NULL RETURNING id;

-- name: rename_claim!
-- tenants: its 3PL, while nobody can act in it
UPDATE accounts SET name = :name
WHERE id = :id AND NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = :id);

-- name: lock_account$
-- tenants: the caller acts in it, or joins it
-- Whatever adds a store or a claim to an account holds this lock: each is found, not doubled.
SELECT id FROM accounts WHERE id = :id FOR NO KEY UPDATE;

-- name: touch_account^
-- tenants: the caller changes the account, or who may act in it
-- Its erasure is the last that is said of an account.
UPDATE accounts SET version = version + 1, changed_at = now()
WHERE id = :id AND erased_at IS NULL RETURNING *;

-- name: list_members
-- tenants: the account's own, for every service
SELECT person_id, role, valid_from FROM memberships
WHERE account_id = :account_id ORDER BY person_id;

-- name: list_machines
-- tenants: the account's own, for every service
SELECT id AS client_id, valid_from FROM api_clients
WHERE account_id = :account_id AND ended_at IS NULL ORDER BY id;

-- name: list_ended_sessions
-- tenants: the account's own, for every service
-- As long as a token of theirs may live.
SELECT id AS session_id, ended_at FROM sessions
WHERE account_id = :account_id AND ended_at > now() - :period::interval ORDER BY id;
