-- Every query runs with the schema `connections` first on the search path.

-- name: get_person_by_email^
-- tenants: all; nobody is logged in yet, and a password or a mailed link is looked at next
SELECT * FROM people WHERE email = :email;

-- name: insert_person^
-- tenants: none; whoever reads the mails to the address
-- Two links to one address may be used at the same moment: the second one gets no row.
INSERT INTO people (id, email, password_hash, language)
VALUES (:id, :email, :password_hash, :language)
ON CONFLICT (email) DO NOTHING
RETURNING *;

-- name: set_password!
-- tenants: the person itself, by a mailed link
UPDATE people SET password_hash = :password_hash WHERE id = :id;

-- name: set_first_password!
-- tenants: the person itself, by a mailed link
-- Of two at once one sets the password, and the other has to know it.
UPDATE people SET password_hash = :password_hash WHERE id = :id AND password_hash IS NULL;

-- name: insert_membership!
-- tenants: the person's own
INSERT INTO memberships (person_id, account_id, role, valid_from)
VALUES (:person_id, :account_id, :role, :valid_from);

-- name: set_valid_from!
-- tenants: the person's own, or an owner of the account asks
UPDATE memberships SET valid_from = :valid_from
WHERE person_id = :person_id AND account_id = :account_id;

-- name: list_memberships
-- tenants: the person's own
SELECT m.account_id, a.kind, a.name, a.plan, m.role, a.version
FROM memberships m JOIN accounts a ON a.id = m.account_id
WHERE m.person_id = :person_id ORDER BY m.created_at, m.account_id;

-- name: get_person^
-- tenants: the person itself
SELECT * FROM people WHERE id = :id;

-- name: list_colleagues
SELECT m.person_id, p.email, m.role, m.created_at AS since
FROM memberships m JOIN people p ON p.id = m.person_id
WHERE m.account_id = :account_id AND (:after::uuid IS NULL OR m.person_id > :after::uuid)
ORDER BY m.person_id LIMIT :limit;

-- name: list_owners
SELECT p.* FROM memberships m JOIN people p ON p.id = m.person_id
WHERE m.account_id = :account_id AND m.role = 'owner' ORDER BY p.id;

-- name: get_role$
SELECT role FROM memberships WHERE account_id = :account_id AND person_id = :person_id;

-- name: count_owners$
SELECT count(*) FROM memberships WHERE account_id = :account_id AND role = 'owner';

-- name: set_role!
UPDATE memberships SET role = :role, valid_from = :valid_from
WHERE account_id = :account_id AND person_id = :person_id;

-- name: delete_membership!
DELETE FROM memberships WHERE account_id = :account_id AND person_id = :person_id;

-- name: set_email!
-- tenants: the person itself, by a mailed link
-- Somebody may have signed up with that address meanwhile: then nothing changes.
UPDATE people SET email = :email
WHERE id = :id AND NOT EXISTS (SELECT FROM people WHERE email = :email AND id <> :id);

-- name: forget_password!
-- tenants: the person itself, by a mailed link
UPDATE people SET password_hash = NULL WHERE id = :id;

-- name: insert_mailed_link!
-- tenants: none; whoever reads the mails to the address
INSERT INTO mailed_links (digest, purpose, email, account_kind, account_name, language,
    connection_id, account_id, role, person_id, invitation_id, expires_at)
VALUES (:digest, :purpose, :email, :account_kind, :account_name, :language, :connection_id,
    :account_id, :role, :person_id, :invitation_id, now() + :lifetime::interval);

-- name: get_mailed_link^
-- tenants: all; only who has the token knows its digest
SELECT *, expires_at <= now() AS is_over FROM mailed_links
WHERE digest = :digest AND purpose = :purpose;

-- name: lock_address$
-- tenants: whoever reads the mails to the address
-- There may be no row of it yet.
SELECT pg_advisory_xact_lock(7302, hashtext(:email))::text;

-- name: lock_mailed_link^
-- tenants: all; only who has the token knows its digest
-- Held until the transaction ends: a link is used once.
SELECT *, expires_at <= now() AS is_over FROM mailed_links
WHERE digest = :digest AND purpose = :purpose FOR UPDATE;

-- name: use_mailed_link!
-- tenants: the caller holds it
UPDATE mailed_links SET used_at = now(), used_by = :person_id WHERE digest = :digest;

-- name: drop_mailed_links!
-- tenants: the address of a person who just used such a link
DELETE FROM mailed_links WHERE email = :email AND purpose = :purpose AND used_at IS NULL;

-- name: drop_address_changes!
-- tenants: the person itself, by a mailed link
DELETE FROM mailed_links
WHERE person_id = :person_id AND purpose = 'change_email' AND used_at IS NULL;

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
