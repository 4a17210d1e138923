-- Every query runs with the schema `connections` first on the search path.

-- name: insert_mails
-- tenants: none; a mail belongs to a mailbox, and its reader may have no account yet
-- A key that is there already queues nothing; in one order, so that two who queue the same keys wait
-- for each other and never in a ring. The senders are told on commit, once however many rows.
WITH given AS (
    SELECT * FROM unnest(:ids::uuid[], :kinds::text[], :languages::text[], :recipients::bytea[],
                         :contents::text[], :onces::text[])
        AS g (id, kind, language, recipient, contents, once)
),
inserted AS (
    INSERT INTO mails (id, kind, language, recipient, contents, once)
    SELECT id, kind, language, recipient, contents, once FROM given ORDER BY once, id
    ON CONFLICT (once) DO NOTHING
    RETURNING id
)
SELECT id, pg_notify('connections_mails', '')::text AS told FROM inserted;

-- name: count_mails$
-- tenants: all; an address has no account before it is confirmed
-- What an address was sent, or will be, since then.
SELECT count(*) FROM mails
WHERE recipient = :recipient AND created_at > now() - :seconds::float8 * interval '1 second'
  AND (:kinds::text[] IS NULL OR kind = ANY(:kinds::text[]));

-- name: claim_mails
-- tenants: all; the sender sends for everybody
-- The oldest that are due, for this process until the lease ends: then they are due again.
WITH due AS (
    SELECT id FROM mails WHERE state = 'pending' AND due_at <= now()
    ORDER BY due_at LIMIT :most FOR UPDATE SKIP LOCKED
)
UPDATE mails AS m
SET attempts = attempts + 1, due_at = now() + :lease_seconds::float8 * interval '1 second'
FROM due WHERE m.id = due.id
RETURNING m.id, m.kind, m.language, m.contents, m.attempts, m.created_at,
          extract(epoch FROM now() - m.created_at)::float8 AS age_seconds,
          EXISTS (SELECT FROM mail_suppressions s
                  WHERE s.recipient = m.recipient AND s.until > now()) AS is_suppressed;

-- name: record_outcomes!
-- tenants: all; the sender sends for everybody
-- Only of what is still claimed by the same claim: whose lease ended is another's. What ended loses
-- its contents. A mailbox that does not exist is left alone for a while.
WITH given AS (
    SELECT * FROM unnest(:ids::uuid[], :attempts::int[], :states::text[], :waits::float8[],
                         :errors::text[], :no_mailboxes::bool[])
        AS g (id, attempts, state, wait, error, no_mailbox)
),
recorded AS (
    UPDATE mails AS m
    SET state = g.state, error = g.error,
        due_at = CASE WHEN g.state = 'pending'
                      THEN now() + g.wait * interval '1 second' ELSE m.due_at END,
        contents = CASE WHEN g.state = 'pending' THEN m.contents END,
        ended_at = CASE WHEN g.state <> 'pending' THEN now() END
    FROM given g
    WHERE m.id = g.id AND m.attempts = g.attempts AND m.state = 'pending'
    RETURNING m.recipient, g.error, g.no_mailbox
)
INSERT INTO mail_suppressions (recipient, until, error)
SELECT DISTINCT ON (recipient) recipient,
       now() + :suppress_seconds::float8 * interval '1 second', error
FROM recorded WHERE no_mailbox ORDER BY recipient
ON CONFLICT (recipient) DO UPDATE SET until = excluded.until, error = excluded.error;

-- name: delete_ended_mails!
-- tenants: all; what is old goes
-- Bounded: what is left goes with the next look.
DELETE FROM mails WHERE id IN (
    SELECT id FROM mails WHERE ended_at < now() - :seconds::float8 * interval '1 second'
    ORDER BY ended_at LIMIT 1000 FOR UPDATE SKIP LOCKED
);

-- name: measure_mails^
-- tenants: all; a figure for the operator
-- Counted up to a bound: what matters beyond is that it is many.
SELECT count(*) AS waiting,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
FROM (SELECT created_at FROM mails WHERE state = 'pending' ORDER BY due_at LIMIT 100000) AS bounded;
