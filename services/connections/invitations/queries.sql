-- Every query runs with the schema `connections` first on the search path.

-- name: insert_invitation
INSERT INTO invitations (id, brand_id, store_id, email, own_words, language, created_by)
VALUES (:id, :brand_id, :store_id, :email, :own_words, :language, :created_by) RETURNING *;

-- name: count_recent$
SELECT count(*) FROM invitations
WHERE brand_id = :brand_id AND mailed_at > now() - :period::interval;

-- name: list_invitations
SELECT * FROM invitations
WHERE brand_id = :brand_id AND (:after::uuid IS NULL OR id < :after::uuid)
ORDER BY id DESC LIMIT :limit;

-- name: get_invitation^
-- tenants: all; only who has the token of the mailed link gets here, or its brand, which is compared
SELECT * FROM invitations WHERE id = :id;

-- name: lock_invitation^
SELECT * FROM invitations WHERE id = :id AND brand_id = :brand_id FOR UPDATE;

-- name: lock_mailed_invitation^
-- tenants: all; only who has the token of the mailed link gets here
SELECT * FROM invitations WHERE id = :id FOR UPDATE;

-- name: mail_again!
-- tenants: the caller holds it for its brand
UPDATE invitations SET mailed_at = now() WHERE id = :id;

-- name: drop_links!
-- tenants: the caller holds the invitation for its brand
-- Of several links in a mailbox only the newest is good.
DELETE FROM mailed_links WHERE invitation_id = :id AND purpose = 'invite';

-- name: withdraw!
-- tenants: the caller holds it for its brand
UPDATE invitations SET withdrawn_at = now() WHERE id = :id;

-- name: accept!
-- tenants: the caller holds it, by the mailed link
UPDATE invitations
SET accepted_at = now(), accepted_by = :account_id, connection_id = :connection_id
WHERE id = :id;

-- name: get_store_name^
-- tenants: only who has the token of the mailed link gets here, or its brand
SELECT s.domain, s.platform, a.name AS brand_name
FROM stores s JOIN accounts a ON a.id = s.brand_id WHERE s.id = :store_id;

-- name: has_opted_out$
SELECT EXISTS (SELECT FROM mail_opt_outs
               WHERE recipient = :recipient AND account_id = :account_id);
