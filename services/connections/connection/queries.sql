-- Every query runs with the schema `connections` first on the search path.

-- name: insert_account^
-- A new account; no row when the e-mail is taken.
INSERT INTO accounts (id, kind, name, email, password_hash)
VALUES (:id, :kind, :name, :email, :password_hash)
ON CONFLICT (lower(email)) DO NOTHING
RETURNING id, kind, name, email, plan, password_hash, created_at;

-- name: account_by_email^
SELECT id, kind, name, email, plan, password_hash, created_at
FROM accounts WHERE lower(email) = lower(:email);

-- name: account_by_id^
SELECT id, kind, name, email, plan, password_hash, created_at FROM accounts WHERE id = :id;

-- name: set_plan^
UPDATE accounts SET plan = :plan WHERE id = :id
RETURNING id, kind, name, email, plan, password_hash, created_at;

-- name: set_first_password!
-- Only the first login sets it; no row when somebody was faster.
UPDATE accounts SET password_hash = :password_hash
WHERE id = :id AND password_hash IS NULL;

-- name: upsert_brand_profile!
INSERT INTO brand_profiles (three_pl_id, brand_id, contact_name, contact_email, company_name,
    warehouse, monthly_order_range, priorities)
VALUES (:three_pl_id, :brand_id, :contact_name, :contact_email, :company_name,
    :warehouse, :monthly_order_range, :priorities)
ON CONFLICT (three_pl_id, brand_id) DO UPDATE SET
    contact_name = excluded.contact_name, company_name = excluded.company_name,
    warehouse = excluded.warehouse, monthly_order_range = excluded.monthly_order_range,
    priorities = excluded.priorities;

-- name: brand_profiles
-- The brands of one 3PL, newest first.
SELECT p.*, a.password_hash IS NOT NULL AS logged_in
FROM brand_profiles p JOIN accounts a ON a.id = p.brand_id
WHERE p.three_pl_id = :three_pl_id AND (:before::uuid IS NULL OR p.brand_id < :before::uuid)
ORDER BY p.brand_id DESC LIMIT :limit;

-- name: brand_profile^
SELECT p.*, a.password_hash IS NOT NULL AS logged_in
FROM brand_profiles p JOIN accounts a ON a.id = p.brand_id
WHERE p.three_pl_id = :three_pl_id AND p.brand_id = :brand_id;

-- name: insert_store^
-- A new store; no row when the platform's domain is known.
INSERT INTO stores (id, brand_id, platform, domain)
VALUES (:id, :brand_id, :platform, :domain)
ON CONFLICT (platform, domain) DO NOTHING
RETURNING id, brand_id, platform, domain, version, created_at, changed_at;

-- name: store_by_domain^
SELECT id, brand_id, platform, domain, version, created_at, changed_at
FROM stores WHERE platform = :platform AND domain = :domain;

-- name: store_by_id^
SELECT id, brand_id, platform, domain, version, created_at, changed_at
FROM stores WHERE id = :id;

-- name: lock_store^
-- Whatever changes a connection or a credential of a store holds this lock: changes of one store
-- happen one after the other, and one lock cannot deadlock.
SELECT id, brand_id, platform, domain, version, created_at, changed_at
FROM stores WHERE id = :id FOR NO KEY UPDATE;

-- name: store_access^
-- How an account stands to a store: its brand, a 3PL with a connection that is not over, and
-- whether the brand has logged in yet.
SELECT s.brand_id = :account_id AS is_brand,
    EXISTS (SELECT FROM connections c WHERE c.store_id = s.id AND c.three_pl_id = :account_id
        AND c.state IN ('pending', 'inactive', 'active')) AS is_three_pl,
    a.password_hash IS NOT NULL AS brand_logged_in
FROM stores s JOIN accounts a ON a.id = s.brand_id
WHERE s.id = :store_id;

-- name: touch_store^
UPDATE stores SET version = version + 1, changed_at = now() WHERE id = :id
RETURNING id, brand_id, platform, domain, version, created_at, changed_at;

-- name: insert_credential!
INSERT INTO store_credentials (id, store_id, kind, digest, sealed_secret, created_by)
VALUES (:id, :store_id, :kind, :digest, :sealed_secret, :created_by);

-- name: credentials
-- The credentials of a store that are valid now, oldest first.
SELECT id, kind, digest, sealed_secret, created_at
FROM store_credentials WHERE store_id = :store_id AND revoked_at IS NULL ORDER BY id;

-- name: revoke_credential!
-- The row stays as a record of who revoked it; the secret goes.
UPDATE store_credentials
SET revoked_at = now(), revoked_by = :revoked_by, digest = NULL, sealed_secret = NULL
WHERE id = :id AND store_id = :store_id AND revoked_at IS NULL;

-- name: insert_connection$
-- A pending connection; no row when this 3PL has a live one to the store.
INSERT INTO connections (id, store_id, brand_id, three_pl_id, state)
VALUES (:id, :store_id, :brand_id, :three_pl_id, 'pending')
ON CONFLICT (three_pl_id, store_id) WHERE state IN ('pending', 'inactive', 'active') DO NOTHING
RETURNING id;

-- name: live_connection$
SELECT id FROM connections
WHERE three_pl_id = :three_pl_id AND store_id = :store_id
    AND state IN ('pending', 'inactive', 'active');

-- name: newest_pending^
-- The newest pending connection of a 3PL with a brand, of one store when it is named.
SELECT id, store_id FROM connections
WHERE three_pl_id = :three_pl_id AND brand_id = :brand_id AND state = 'pending'
    AND (:store_id::uuid IS NULL OR store_id = :store_id::uuid)
ORDER BY id DESC LIMIT 1;

-- name: connection_by_id^
-- One connection with everything that is shown and published of it.
SELECT c.*, s.platform, s.domain, b.name AS brand_name, t.name AS three_pl_name,
    t.plan AS three_pl_plan, v.shipping_rules_owner, v.billing_owner, v.support_owner,
    v.endpoint_id, e.url AS webhook_url
FROM connections c
JOIN stores s ON s.id = c.store_id
JOIN accounts b ON b.id = c.brand_id
JOIN accounts t ON t.id = c.three_pl_id
JOIN settings_versions v ON v.connection_id = c.id AND v.version = c.settings_version
LEFT JOIN endpoints e ON e.id = v.endpoint_id
WHERE c.id = :id;

-- name: connections_of
-- The connections of a party, newest first.
SELECT c.*, s.platform, s.domain, b.name AS brand_name, t.name AS three_pl_name,
    t.plan AS three_pl_plan, v.shipping_rules_owner, v.billing_owner, v.support_owner,
    v.endpoint_id, e.url AS webhook_url
FROM connections c
JOIN stores s ON s.id = c.store_id
JOIN accounts b ON b.id = c.brand_id
JOIN accounts t ON t.id = c.three_pl_id
JOIN settings_versions v ON v.connection_id = c.id AND v.version = c.settings_version
LEFT JOIN endpoints e ON e.id = v.endpoint_id
WHERE (c.brand_id = :account_id OR c.three_pl_id = :account_id)
    AND (:state::text IS NULL OR c.state = :state::text)
    AND (:store_id::uuid IS NULL OR c.store_id = :store_id::uuid)
    AND (:before::uuid IS NULL OR c.id < :before::uuid)
ORDER BY c.id DESC LIMIT :limit;

-- name: other_active_priorities
-- The priorities that other active connections of the store hold.
SELECT priority FROM connections
WHERE store_id = :store_id AND state = 'active' AND id <> :id;

-- name: update_connection!
-- Compare-and-set: no row when the version is no longer the one that was read.
UPDATE connections
SET state = :state, epoch = :epoch, priority = :priority, settings_version = :settings_version,
    version = version + 1, changed_at = now()
WHERE id = :id AND version = :version;

-- name: insert_settings_version!
INSERT INTO settings_versions (connection_id, version, shipping_rules_owner, billing_owner,
    support_owner, endpoint_id, created_by)
VALUES (:connection_id, :version, :shipping_rules_owner, :billing_owner, :support_owner,
    :endpoint_id, :created_by);

-- name: settings_versions
SELECT v.version, v.shipping_rules_owner, v.billing_owner, v.support_owner, v.endpoint_id,
    e.url AS webhook_url, v.created_at, v.created_by
FROM settings_versions v LEFT JOIN endpoints e ON e.id = v.endpoint_id
WHERE v.connection_id = :connection_id AND (:before::bigint IS NULL OR v.version < :before::bigint)
ORDER BY v.version DESC LIMIT :limit;

-- name: endpoints
-- Every endpoint that the connection ever had, oldest first.
SELECT id, url, sealed_secrets FROM endpoints WHERE connection_id = :connection_id ORDER BY id;

-- name: insert_endpoint!
INSERT INTO endpoints (id, connection_id, url, sealed_secrets)
VALUES (:id, :connection_id, :url, :sealed_secrets);

-- name: insert_audit!
INSERT INTO audit (id, connection_id, account_id, actor_id, action, before, after)
VALUES (:id, :connection_id, :account_id, :actor_id, :action, :before, :after);

-- name: audit_of
-- What was done to a connection, newest first.
SELECT id, at, account_id, actor_id, action, before, after FROM audit
WHERE connection_id = :connection_id AND (:before_id::uuid IS NULL OR id < :before_id::uuid)
ORDER BY id DESC LIMIT :limit;

-- name: replace_login_links!
-- The links issued before die.
UPDATE login_links SET replaced_at = now()
WHERE connection_id = :connection_id AND redeemed_at IS NULL AND replaced_at IS NULL;

-- name: insert_login_link!
INSERT INTO login_links (digest, connection_id, expires_at)
VALUES (:digest, :connection_id, :expires_at);

-- name: login_link^
SELECT l.connection_id, c.store_id, c.brand_id, c.state, a.password_hash,
    l.redeemed_at IS NOT NULL AS is_redeemed,
    l.expires_at <= now() OR l.replaced_at IS NOT NULL AS is_over
FROM login_links l
JOIN connections c ON c.id = l.connection_id
JOIN accounts a ON a.id = c.brand_id
WHERE l.digest = :digest;

-- name: redeem_login_link!
UPDATE login_links SET redeemed_at = now()
WHERE digest = :digest AND redeemed_at IS NULL AND replaced_at IS NULL AND expires_at > now();
