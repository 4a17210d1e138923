-- Every query runs with the schema `ingest` first on the search path.

-- name: drop_quarantine!
DELETE FROM quarantine WHERE id = ANY(ARRAY(
    SELECT id FROM quarantine WHERE brand_id = :brand_id ORDER BY id LIMIT :chunk));

-- name: drop_moved_quarantine!
-- tenants: those of the given brands that were erased
-- What a claim had there joined a brand that was erased before.
DELETE FROM quarantine WHERE brand_id = ANY(ARRAY(
    SELECT account_id FROM erased_accounts WHERE account_id = ANY(:brands::uuid[])));

-- name: empty_stores
-- tenants: the brand, by what the body says
-- Of all the stores that there are: a brand has a handful, and there is no index of them.
UPDATE stores SET body = emptied(body) WHERE body->>'brand_id' = :brand_id::uuid::text
RETURNING id;
