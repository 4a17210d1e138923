-- name: views_of_person
SELECT id, name, query FROM saved_views
WHERE account_id = :account AND person_id = :person ORDER BY name;

-- name: keep_view!
-- The same name again is the same view with another filter.
INSERT INTO saved_views (account_id, person_id, name, query)
SELECT :account::uuid, :person::uuid, :name::text, :query::text
WHERE (SELECT count(*) FROM saved_views
       WHERE account_id = :account AND person_id = :person AND name <> :name) < :most::int
ON CONFLICT (account_id, person_id, name) DO UPDATE SET query = excluded.query;

-- name: delete_view!
DELETE FROM saved_views WHERE id = :id AND account_id = :account AND person_id = :person;
