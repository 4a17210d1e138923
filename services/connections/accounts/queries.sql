-- Every query runs with the schema `connections` first on the search path.

-- name: insert_account^
-- Two may sign up with one e-mail at the same moment: the second one gets no row.
INSERT INTO accounts (id, kind, name, email, password_hash)
VALUES (:id, :kind, :name, :email, :password_hash)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING *;

-- name: get_account_by_email^
-- tenants: all; nobody is logged in yet, and the password is compared next
SELECT * FROM accounts WHERE lower(email) = lower(:email);

-- name: get_account^
-- tenants: the account itself
SELECT * FROM accounts WHERE id = :id;

-- name: set_plan^
-- tenants: all; the operator
UPDATE accounts SET plan = :plan WHERE id = :id RETURNING *;

-- name: set_first_password!
-- tenants: the account itself, by its login link
-- Of two first logins at once one sets the password, and the other has to know it.
UPDATE accounts SET password_hash = :password_hash
WHERE id = :id AND password_hash IS NULL;

-- name: count_login_attempt$
-- tenants: all; nobody is logged in yet
-- Rows are locked in one order. What is over is swept by the way, a few at a time.
WITH swept AS (
    DELETE FROM login_attempts WHERE subject = ANY(ARRAY(
        SELECT subject FROM login_attempts WHERE ends_at < now() AND subject <> ALL(:subjects::bytea[])
        ORDER BY ends_at LIMIT 20 FOR UPDATE SKIP LOCKED))
),
tried AS (
    SELECT * FROM unnest(:subjects::bytea[], :most::int[]) AS t (subject, most)
),
counted AS (
    INSERT INTO login_attempts AS l (subject, attempts, ends_at)
    SELECT subject, 1, now() + :period::interval FROM tried ORDER BY subject
    ON CONFLICT (subject) DO UPDATE
    SET attempts = CASE WHEN l.ends_at < now() THEN 1 ELSE l.attempts + 1 END,
        ends_at = CASE WHEN l.ends_at < now() THEN excluded.ends_at ELSE l.ends_at END
    RETURNING subject, attempts, ends_at
)
SELECT ceil(extract(epoch FROM max(c.ends_at) - now()))::int
FROM counted c JOIN tried t ON t.subject = c.subject
WHERE c.attempts > t.most;

-- name: forget_login_attempts!
-- tenants: all; whoever came knew the password
-- Rows are locked in the order in which they are counted.
WITH locked AS MATERIALIZED (
    SELECT subject FROM login_attempts WHERE subject = ANY(:wide::bytea[] || :narrow::bytea)
    ORDER BY subject FOR UPDATE
),
gone AS (
    DELETE FROM login_attempts
    WHERE subject = :narrow::bytea AND subject IN (SELECT subject FROM locked)
)
UPDATE login_attempts SET attempts = attempts - 1
WHERE subject = ANY(:wide::bytea[]) AND attempts > 0
    AND subject IN (SELECT subject FROM locked);
