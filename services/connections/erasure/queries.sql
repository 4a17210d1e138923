-- Every query runs with the schema `connections` first on the search path.

-- name: get_erased^
-- tenants: the account itself, or the operator
SELECT id AS account_id, erased_at FROM accounts WHERE id = :id;

-- name: list_followers
-- Addresses whose mailed links change the account or what is in it, when somebody follows them now.
SELECT p.email FROM memberships m JOIN people p ON p.id = m.person_id
WHERE m.account_id = :account_id
UNION
SELECT l.email FROM mailed_links l
LEFT JOIN connections c ON c.id = l.connection_id
LEFT JOIN invitations i ON i.id = l.invitation_id
WHERE l.used_at IS NULL AND l.expires_at > now() AND l.purpose <> 'stop_mail'
    AND (:account_id IN (l.account_id, c.brand_id, c.three_pl_id, i.brand_id)
        OR l.person_id IN (SELECT person_id FROM memberships WHERE account_id = :account_id));

-- name: hold_addresses
-- tenants: all; followers of the links wait
-- As `lock_address` of people does for one; many are held in one order.
SELECT pg_advisory_xact_lock(7302, key)::text
FROM (SELECT DISTINCT hashtext(email) AS key FROM unnest(:addresses::text[]) AS email
      ORDER BY key) AS ordered;

-- name: lock_stores
-- What changes a connection or a key waits, and so does who accepts a claim.
SELECT s.id FROM stores s
WHERE s.brand_id = :account_id OR s.id IN (
    SELECT c.store_id FROM connections c
    WHERE c.three_pl_id = :account_id AND c.state IN ('pending', 'inactive', 'active'))
ORDER BY s.id FOR NO KEY UPDATE;

-- name: list_live
SELECT id FROM connections
WHERE :account_id IN (brand_id, three_pl_id) AND state IN ('inactive', 'active')
ORDER BY id LIMIT :limit;

-- name: list_pending
SELECT id FROM connections
WHERE :account_id IN (brand_id, three_pl_id) AND state = 'pending' ORDER BY id;

-- name: lock_accounts
-- The account and its claims: a 3PL's that nobody accepted, and what a brand's stores came from.
-- One that somebody works in is nobody's claim.
SELECT a.id FROM accounts a
WHERE a.erased_at IS NULL AND (a.id = :account_id OR (
    NOT EXISTS (SELECT FROM memberships m WHERE m.account_id = a.id)
    AND a.id IN (
        SELECT c.brand_id FROM connections c WHERE c.three_pl_id = :account_id
        UNION SELECT s.former_brand_id FROM stores s WHERE s.brand_id = :account_id)))
ORDER BY a.id FOR NO KEY UPDATE;

-- name: list_people
-- tenants: those that are erased
-- Who works in no other account.
SELECT m.person_id FROM memberships m
WHERE m.account_id = ANY(:accounts::uuid[]) AND NOT EXISTS (
    SELECT FROM memberships other
    WHERE other.person_id = m.person_id AND other.account_id <> ALL(:accounts::uuid[]));

-- name: list_addresses
-- tenants: people who work in no account but those that are erased
-- Those of now and of before, unless somebody else has one today.
SELECT email FROM people WHERE id = ANY(:people::uuid[])
UNION
SELECT l.email FROM mailed_links l
WHERE (l.used_by = ANY(:people::uuid[])
        OR (l.person_id = ANY(:people::uuid[]) AND l.purpose = 'undo_email'))
    AND NOT EXISTS (SELECT FROM people p
                    WHERE p.email = l.email AND p.id <> ALL(:people::uuid[]));

-- name: delete_profiles!
-- tenants: those that are erased
-- First: whoever opens a shared link holds the form, and mails a link that has to be found below.
DELETE FROM brand_profiles
WHERE account_id = ANY(:accounts::uuid[]) OR three_pl_id = ANY(:accounts::uuid[]);

-- name: end_waiting_mails!
-- tenants: those that are erased
-- Mails that ask others for something in the name of who is erased. What ended stays counted.
UPDATE mails SET state = 'suppressed', contents = NULL, ended_at = now(), error = NULL
WHERE state = 'pending' AND kind = 'carrier_ticket'
    AND split_part(once, ':', 2) = ANY(:accounts::uuid[]::text[])
   OR state = 'pending' AND kind IN ('claim', 'invitation', 'account_invitation')
    AND recipient IN (
        SELECT sha256(convert_to(lower(l.email), 'UTF8')) FROM mailed_links l
        LEFT JOIN connections c ON c.id = l.connection_id
        LEFT JOIN invitations i ON i.id = l.invitation_id
        WHERE l.used_at IS NULL AND (l.account_id = ANY(:accounts::uuid[])
            OR c.brand_id = ANY(:accounts::uuid[]) OR c.three_pl_id = ANY(:accounts::uuid[])
            OR i.brand_id = ANY(:accounts::uuid[])));

-- name: end_mailed_links!
-- tenants: those that are erased
-- Who has one is told that it is over.
UPDATE mailed_links
SET email = '', account_name = NULL, expires_at = least(expires_at, now())
WHERE account_id = ANY(:accounts::uuid[]) OR email = ANY(:addresses::text[])
    OR person_id = ANY(:people::uuid[]) OR used_by = ANY(:people::uuid[])
    OR connection_id IN (
        SELECT id FROM connections
        WHERE brand_id = ANY(:accounts::uuid[]) OR three_pl_id = ANY(:accounts::uuid[]))
    OR invitation_id IN (
        SELECT id FROM invitations
        WHERE brand_id = ANY(:accounts::uuid[]) OR accepted_by = ANY(:accounts::uuid[]));

-- name: end_login_links!
-- tenants: those that are erased
UPDATE login_links l SET replaced_at = now()
FROM connections c
WHERE c.id = l.connection_id AND l.replaced_at IS NULL
    AND (c.brand_id = ANY(:accounts::uuid[]) OR c.three_pl_id = ANY(:accounts::uuid[]));

-- name: end_invitations!
-- tenants: those that are erased
-- Those of a brand, those that a 3PL took up, and those to people who are no more.
UPDATE invitations
SET email = '', own_words = '',
    withdrawn_at = CASE WHEN accepted_at IS NULL THEN coalesce(withdrawn_at, now())
                        ELSE withdrawn_at END
WHERE brand_id = ANY(:accounts::uuid[]) OR accepted_by = ANY(:accounts::uuid[])
    OR email = ANY(:addresses::text[]);

-- name: delete_notice_turns!
-- tenants: those that are erased
-- Before the notices, as who mails them. What people muted goes with their memberships.
DELETE FROM notice_turns WHERE account_id = ANY(:accounts::uuid[]);

-- name: delete_notices!
-- tenants: those that are erased
DELETE FROM notices WHERE account_id = ANY(:accounts::uuid[]);

-- name: delete_memberships!
-- tenants: those that are erased
DELETE FROM memberships WHERE account_id = ANY(:accounts::uuid[]);

-- name: delete_sessions!
-- tenants: those that are erased
-- With their refresh tokens.
DELETE FROM sessions
WHERE account_id = ANY(:accounts::uuid[]) OR person_id = ANY(:people::uuid[]);

-- name: erase_people!
-- tenants: people who work in no account but those that are erased
UPDATE people SET email = id || '@erased.invalid', password_hash = NULL, language = 'en'
WHERE id = ANY(:people::uuid[]);

-- name: delete_mails!
-- tenants: people who work in no account but those that are erased
-- What the address itself said (`mail_opt_outs`) goes on being heard.
WITH recipients AS (
    SELECT sha256(convert_to(lower(address), 'UTF8')) AS recipient
    FROM unnest(:addresses::text[]) AS address
),
unsuppressed AS (
    DELETE FROM mail_suppressions WHERE recipient IN (SELECT recipient FROM recipients)
)
DELETE FROM mails WHERE recipient IN (SELECT recipient FROM recipients);

-- name: delete_clients!
-- tenants: those that are erased
WITH secrets AS (
    DELETE FROM api_client_secrets WHERE client_id IN (
        SELECT id FROM api_clients WHERE account_id = ANY(:accounts::uuid[]))
)
DELETE FROM api_clients WHERE account_id = ANY(:accounts::uuid[]);

-- name: delete_answers!
-- tenants: those that are erased
-- Those to the accounts, and those to the other party that tell of them.
WITH told AS (
    SELECT c.id, party.id AS owner
    FROM connections c CROSS JOIN LATERAL (VALUES (c.brand_id), (c.three_pl_id)) AS party (id)
    WHERE c.brand_id = ANY(:accounts::uuid[]) OR c.three_pl_id = ANY(:accounts::uuid[])
)
DELETE FROM idempotency_keys
WHERE split_part(scope, ' ', 1) = ANY(:accounts::uuid[]::text[])
    OR scope IN (SELECT owner || ' /v1/brands' FROM told)
    OR EXISTS (SELECT FROM told
               WHERE starts_with(scope, owner || ' /v1/connections/' || id || '/'));

-- name: erase_stores
-- tenants: those that are erased
UPDATE stores
SET domain = id || '.invalid', proven_at = NULL, proven_by = NULL, ship_unpaid_methods = '{}'
WHERE brand_id = ANY(:accounts::uuid[]) RETURNING id;

-- name: delete_challenges!
-- tenants: those that are erased
DELETE FROM store_challenges WHERE account_id = ANY(:accounts::uuid[]);

-- name: revoke_credentials!
-- tenants: those that are erased
-- As every revoked one: the row stays as a record, the secret goes.
UPDATE store_credentials
SET revoked_at = coalesce(revoked_at, now()), revoked_by = coalesce(revoked_by, :by),
    digest = NULL, sealed_secret = NULL
WHERE store_id IN (SELECT id FROM stores WHERE brand_id = ANY(:accounts::uuid[]));

-- name: delete_blocks!
-- tenants: those that are erased
DELETE FROM blocks
WHERE account_id = ANY(:accounts::uuid[]) OR three_pl_id = ANY(:accounts::uuid[]);

-- name: delete_opt_outs!
-- tenants: those that are erased
-- It causes no mails any more.
DELETE FROM mail_opt_outs WHERE account_id = ANY(:accounts::uuid[]);

-- name: list_endpoints
SELECT e.id, e.connection_id FROM endpoints e JOIN connections c ON c.id = e.connection_id
WHERE c.three_pl_id = :account_id ORDER BY e.id;

-- name: erase_endpoints!
-- tenants: endpoints that were listed for their 3PL
-- The digest stays unique: of two URLs of a connection both are erased.
UPDATE endpoints e
SET url = NULL, sealed_url = g.sealed_url, masked_url = g.masked_url, url_digest = e.id::text,
    sealed_secrets = '{}'
FROM unnest(:ids::uuid[], :sealed_urls::text[], :masked_urls::text[])
    AS g (id, sealed_url, masked_url)
WHERE e.id = g.id;

-- name: erase_accounts
-- tenants: the caller holds them
UPDATE accounts SET name = '', erased_at = now(), version = version + 1, changed_at = now()
WHERE id = ANY(:accounts::uuid[]) RETURNING *;

-- name: list_connections
-- tenants: those that are erased
SELECT id FROM connections
WHERE brand_id = ANY(:accounts::uuid[]) OR three_pl_id = ANY(:accounts::uuid[]) ORDER BY id;
