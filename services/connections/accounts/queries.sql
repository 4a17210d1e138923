-- Every query runs with the schema `connections` first on the search path.

-- name: insert_account
INSERT INTO accounts (id, kind, name) VALUES (:id, :kind, :name) RETURNING *;

-- name: get_account^
-- tenants: the account itself
SELECT * FROM accounts WHERE id = :id;

-- name: set_plan^
-- tenants: all; the operator
UPDATE accounts SET plan = :plan WHERE id = :id RETURNING *;

-- name: lock_account$
-- tenants: the caller acts in it, or joins it
-- Whatever adds a store or a claim to an account holds this lock: each is found, not doubled.
SELECT id FROM accounts WHERE id = :id FOR NO KEY UPDATE;
