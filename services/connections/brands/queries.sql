-- Every query runs with the schema `connections` first on the search path.

-- name: insert_brand_profile!
INSERT INTO brand_profiles (id, three_pl_id, account_id, contact_name, contact_email,
    contact_phone, language, company_name, warehouse, monthly_order_range, priorities,
    priorities_note)
VALUES (:id, :three_pl_id, :account_id, :contact_name, :contact_email,
    :contact_phone, :language, :company_name, :warehouse, :monthly_order_range, :priorities,
    :priorities_note);

-- name: update_brand_profile!
UPDATE brand_profiles
SET contact_name = :contact_name, contact_email = :contact_email, contact_phone = :contact_phone,
    language = :language, company_name = :company_name, warehouse = :warehouse,
    monthly_order_range = :monthly_order_range, priorities = :priorities,
    priorities_note = :priorities_note, version = :version
WHERE three_pl_id = :three_pl_id AND id = :id;

-- name: lock_brand^
SELECT p.*, EXISTS (SELECT FROM memberships m WHERE m.account_id = p.account_id) AS has_accepted
FROM brand_profiles p
WHERE p.three_pl_id = :three_pl_id AND p.id = :id FOR UPDATE OF p;

-- name: lock_mailed_links
SELECT m.digest FROM mailed_links m JOIN connections c ON c.id = m.connection_id
WHERE c.three_pl_id = :three_pl_id AND c.brand_id = :account_id
    AND m.purpose = 'accept' AND m.used_at IS NULL
ORDER BY m.digest FOR UPDATE OF m;

-- name: drop_mailed_links!
-- What stops the mails stays good: whoever got one by mistake may still say so.
DELETE FROM mailed_links m USING connections c
WHERE c.id = m.connection_id AND c.three_pl_id = :three_pl_id AND c.brand_id = :account_id
    AND m.purpose = 'accept' AND m.used_at IS NULL;

-- name: list_connections
SELECT id FROM connections
WHERE three_pl_id = :three_pl_id AND brand_id = :account_id ORDER BY id;

-- name: list_brands
SELECT p.*, EXISTS (SELECT FROM memberships m WHERE m.account_id = p.account_id) AS has_accepted
FROM brand_profiles p
WHERE p.three_pl_id = :three_pl_id AND (:after::uuid IS NULL OR p.id < :after::uuid)
ORDER BY p.id DESC LIMIT :limit;

-- name: get_brand^
SELECT p.*, EXISTS (SELECT FROM memberships m WHERE m.account_id = p.account_id) AS has_accepted
FROM brand_profiles p
WHERE p.three_pl_id = :three_pl_id AND p.id = :id;

-- name: get_profile_of_account^
-- The newest: one 3PL may know an account by several claims.
SELECT * FROM brand_profiles
WHERE three_pl_id = :three_pl_id AND account_id = :account_id ORDER BY id DESC LIMIT 1;

-- name: lock_profile_of_account^
SELECT * FROM brand_profiles
WHERE three_pl_id = :three_pl_id AND account_id = :account_id ORDER BY id DESC LIMIT 1
FOR SHARE;

-- name: move_brand_profile!
-- tenants: the brand accepts what this 3PL asked for
UPDATE brand_profiles SET account_id = :account_id
WHERE three_pl_id = :three_pl_id AND account_id = :claim_id;

-- name: replace_login_links!
-- tenants: the caller holds the connection, which it read as a party's
-- Of several links in the client's mail only the newest is good.
UPDATE login_links SET replaced_at = now()
WHERE connection_id = :connection_id AND replaced_at IS NULL;

-- name: insert_login_link!
INSERT INTO login_links (digest, connection_id, expires_at)
VALUES (:digest, :connection_id, :expires_at);

-- name: get_login_link^
-- tenants: all; nobody is logged in yet, and only who has the token knows its digest
SELECT l.connection_id, c.state, l.expires_at,
    l.expires_at <= now() OR l.replaced_at IS NOT NULL AS is_over
FROM login_links l JOIN connections c ON c.id = l.connection_id
WHERE l.digest = :digest;
