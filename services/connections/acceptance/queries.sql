-- Every query runs with the schema `connections` first on the search path.

-- name: get_connection^
-- tenants: all; only who has a token of a link gets here
SELECT * FROM connection_details WHERE id = :id;

-- name: list_claimed_keys
-- tenants: only who has the token of the mailed link gets here
SELECT id, kind, created_at FROM store_credentials
WHERE store_id = :store_id AND created_by = :three_pl_id AND revoked_at IS NULL ORDER BY id;

-- name: has_opted_out$
SELECT EXISTS (SELECT FROM mail_opt_outs
               WHERE recipient = :recipient AND account_id = :account_id);

-- name: opt_out!
-- tenants: only who has the token of the mailed link gets here
INSERT INTO mail_opt_outs (recipient, account_id)
SELECT :recipient::bytea, three_pl_id FROM connections WHERE id = :connection_id
UNION ALL
SELECT :recipient::bytea, brand_id FROM invitations WHERE id = :invitation_id
ON CONFLICT DO NOTHING;
