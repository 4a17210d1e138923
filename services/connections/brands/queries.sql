-- Every query runs with the schema `connections` first on the search path.

-- name: upsert_brand_profile!
INSERT INTO brand_profiles (three_pl_id, brand_id, contact_name, contact_email, company_name,
    warehouse, monthly_order_range, priorities)
VALUES (:three_pl_id, :brand_id, :contact_name, :contact_email, :company_name,
    :warehouse, :monthly_order_range, :priorities)
ON CONFLICT (three_pl_id, brand_id) DO UPDATE SET
    contact_name = excluded.contact_name, company_name = excluded.company_name,
    warehouse = excluded.warehouse, monthly_order_range = excluded.monthly_order_range,
    priorities = excluded.priorities;

-- name: list_brands
SELECT p.*, a.password_hash IS NOT NULL AS logged_in
FROM brand_profiles p JOIN accounts a ON a.id = p.brand_id
WHERE p.three_pl_id = :three_pl_id AND (:after::uuid IS NULL OR p.brand_id < :after::uuid)
ORDER BY p.brand_id DESC LIMIT :limit;

-- name: get_brand^
SELECT p.*, a.password_hash IS NOT NULL AS logged_in
FROM brand_profiles p JOIN accounts a ON a.id = p.brand_id
WHERE p.three_pl_id = :three_pl_id AND p.brand_id = :brand_id;

-- name: replace_login_links!
-- tenants: the caller holds the connection, which it read as a party's
-- Of several links in the client's mail only the newest is good.
UPDATE login_links SET replaced_at = now()
WHERE connection_id = :connection_id AND redeemed_at IS NULL AND replaced_at IS NULL;

-- name: insert_login_link!
INSERT INTO login_links (digest, connection_id, expires_at)
VALUES (:digest, :connection_id, :expires_at);

-- name: get_login_link^
-- tenants: all; nobody is logged in yet, and only who has the token knows its digest
SELECT l.connection_id, c.store_id, c.brand_id, c.state, a.password_hash,
    l.redeemed_at IS NOT NULL AS is_redeemed,
    l.expires_at <= now() OR l.replaced_at IS NOT NULL AS is_over
FROM login_links l
JOIN connections c ON c.id = l.connection_id
JOIN accounts a ON a.id = c.brand_id
WHERE l.digest = :digest;

-- name: redeem_login_link!
-- tenants: only who has the token knows its digest
-- Asked once more here, so that no link is good twice whatever the locks did.
UPDATE login_links SET redeemed_at = now()
WHERE digest = :digest AND redeemed_at IS NULL AND replaced_at IS NULL AND expires_at > now();
