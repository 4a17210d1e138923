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
