-- Every query runs with the schema `connections` first on the search path.

-- name: keep_notices!
-- tenants: all; what the services raised
-- Once each, and of accounts that are there: who erases one waits for this, or is seen. Each kind of
-- an account has its turn; one that is waited for already stays, else noisy kinds wait for the rest
-- of their hour. In one order, so that two processes do not wait in a ring.
WITH account AS MATERIALIZED (
    SELECT id FROM accounts WHERE id = ANY(:accounts::uuid[]) AND erased_at IS NULL
    ORDER BY id FOR SHARE
),
kept AS (
    INSERT INTO notices (id, account_id, kind, data, raised_at)
    SELECT g.id, g.account_id, g.kind, g.data::jsonb, g.raised_at
    FROM unnest(:ids::uuid[], :accounts::uuid[], :kinds::text[], :datas::text[],
                :raised::timestamptz[]) AS g (id, account_id, kind, data, raised_at)
    JOIN account ON account.id = g.account_id
    ORDER BY g.id
    ON CONFLICT (id) DO NOTHING
    RETURNING account_id, kind
)
INSERT INTO notice_turns AS t (account_id, kind, due_at)
SELECT DISTINCT account_id, kind, now() FROM kept ORDER BY account_id, kind
ON CONFLICT (account_id, kind) DO UPDATE
SET due_at = coalesce(t.due_at, CASE WHEN t.kind = ANY(:noisy::text[])
    THEN greatest(now(), t.mailed_at + :gathered::interval) ELSE now() END);

-- name: claim_turn^
-- tenants: all; the mailer mails for everybody
-- Held to the end of the transaction: nobody else mails this kind to this account meanwhile, and
-- whoever keeps another notice of it makes the next turn after this one.
SELECT t.account_id, t.kind, a.kind AS reader
FROM notice_turns t JOIN accounts a ON a.id = t.account_id WHERE t.due_at <= now()
ORDER BY t.due_at LIMIT 1 FOR UPDATE OF t SKIP LOCKED;

-- name: take_notices
-- A statement of its own: it sees what was kept before the turn was claimed.
WITH next AS (
    SELECT id FROM notices
    WHERE account_id = :account_id AND kind = :kind AND mailed_at IS NULL
    ORDER BY raised_at, id LIMIT :most
),
taken AS (
    UPDATE notices SET mailed_at = now() WHERE id IN (SELECT id FROM next)
    RETURNING id, data::text, raised_at
)
SELECT * FROM taken ORDER BY raised_at, id;

-- name: end_turn!
-- What is left has the next one.
UPDATE notice_turns SET mailed_at = now(), due_at = CASE
    WHEN NOT EXISTS (SELECT FROM notices n WHERE n.account_id = :account_id AND n.kind = :kind
                     AND n.mailed_at IS NULL) THEN NULL
    WHEN kind = ANY(:noisy::text[]) THEN now() + :gathered::interval
    ELSE now() END
WHERE account_id = :account_id AND kind = :kind;

-- name: postpone_turn!
-- Its mail cannot be made: the others have theirs.
UPDATE notice_turns SET due_at = now() + :gathered::interval
WHERE account_id = :account_id AND kind = :kind;

-- name: list_readers
SELECT p.id AS person_id, p.email, p.language
FROM memberships m JOIN people p ON p.id = m.person_id
WHERE m.account_id = :account_id AND m.role = 'owner'
    AND NOT EXISTS (SELECT FROM muted_notices q WHERE q.account_id = :account_id
                    AND q.person_id = m.person_id AND q.kind = :kind)
ORDER BY p.id;

-- name: domains_of_stores
-- Of those that the account may know of.
SELECT s.id, s.domain FROM stores s
WHERE s.id = ANY(:stores::uuid[]) AND (s.brand_id = :account_id OR EXISTS (
    SELECT FROM connections c WHERE c.store_id = s.id AND c.three_pl_id = :account_id));

-- name: list_notices
-- By `notices_of_account`.
SELECT id, data::text, raised_at FROM notices
WHERE account_id = :account_id AND (:kind::text IS NULL OR kind = :kind)
    AND (:after_at::timestamptz IS NULL OR (raised_at, id) < (:after_at, :after_id::uuid))
ORDER BY raised_at DESC, id DESC LIMIT :limit;

-- name: list_muted
SELECT kind FROM muted_notices WHERE account_id = :account_id AND person_id = :person_id;

-- name: mute!
-- These kinds and no others; nothing for somebody who left.
WITH unmuted AS (
    DELETE FROM muted_notices
    WHERE account_id = :account_id AND person_id = :person_id AND kind <> ALL(:kinds::text[])
)
INSERT INTO muted_notices (account_id, person_id, kind)
SELECT m.account_id, m.person_id, kind
FROM memberships m CROSS JOIN unnest(:kinds::text[]) AS kind
WHERE m.account_id = :account_id AND m.person_id = :person_id
ON CONFLICT DO NOTHING;

-- name: sweep_notices!
-- tenants: all; what is old goes
DELETE FROM notices WHERE id IN (
    SELECT id FROM notices WHERE raised_at < now() - :kept::interval
    ORDER BY raised_at LIMIT :limit FOR UPDATE SKIP LOCKED);

-- name: names_of_accounts
-- tenants: all; in whose name carriers are mailed. Who erases one waits for this, or is seen.
SELECT id, name FROM accounts WHERE id = ANY(:accounts::uuid[]) AND erased_at IS NULL
ORDER BY id FOR SHARE;
