-- Every query runs with the schema `connections` first on the search path.

-- name: insert_block!
-- Blocking again changes nothing.
INSERT INTO blocks (account_id, three_pl_id) VALUES (:account_id, :three_pl_id)
ON CONFLICT DO NOTHING;

-- name: delete_block!
DELETE FROM blocks WHERE account_id = :account_id AND three_pl_id = :three_pl_id;

-- name: list_blocks
SELECT b.three_pl_id, a.name, b.created_at
FROM blocks b JOIN accounts a ON a.id = b.three_pl_id
WHERE b.account_id = :account_id AND (:after::uuid IS NULL OR b.three_pl_id < :after::uuid)
ORDER BY b.three_pl_id DESC LIMIT :limit;

-- name: is_blocked$
SELECT EXISTS (SELECT FROM blocks
               WHERE account_id = :account_id AND three_pl_id = :three_pl_id);

-- name: is_unwanted$
-- Whether a mailbox is that of an owner of an account that has blocked the 3PL.
SELECT EXISTS (SELECT FROM people p
               JOIN memberships m ON m.person_id = p.id AND m.role = 'owner'
               JOIN blocks b ON b.account_id = m.account_id
               WHERE p.email = :email AND b.three_pl_id = :three_pl_id);
