-- Every query runs with the schema `connections` first on the search path.

-- name: lock_rotation$
-- tenants: all; the operator
-- One change at a time, so that versions go out in their order.
SELECT pg_advisory_xact_lock(hashtextextended('signing keys', 0));

-- name: list_keys
-- tenants: all; the keys are the installation's
SELECT * FROM signing_keys ORDER BY created_at, kid;

-- name: insert_key!
-- tenants: all; the operator
INSERT INTO signing_keys (kid, x, sealed_key, created_at, signs_from)
VALUES (:kid, :x, :sealed_key, clock_timestamp(), :signs_from::timestamptz);

-- name: delete_others!
-- tenants: all; the operator
DELETE FROM signing_keys WHERE kid <> :kid;

-- name: delete_all_but!
-- tenants: all; the keys are the installation's
DELETE FROM signing_keys WHERE kid <> ALL(:kids::text[]);

-- name: last_version$
-- tenants: all; the keys are the installation's
SELECT coalesce(pg_sequence_last_value('signing_key_versions'::regclass), 0);

-- name: pass_versions$
-- tenants: all; the keys are the installation's
SELECT max(nextval('signing_key_versions')) FROM generate_series(1, :count::bigint);

-- name: next_version$
-- tenants: all; the operator
SELECT nextval('signing_key_versions');

-- name: begin_to_sign
-- tenants: all; the keys are the installation's
-- What was seen on the topic. A key alone need not wait: no other could sign.
UPDATE signing_keys k
SET signs_from = now() + CASE WHEN EXISTS (SELECT FROM signing_keys o WHERE o.kid <> k.kid)
                              THEN :notice::interval ELSE interval '0' END
WHERE k.kid = ANY(:kids::text[]) AND k.signs_from IS NULL
RETURNING k.signs_from;

-- name: end_the_others!
-- tenants: all; the keys are the installation's
UPDATE signing_keys SET verifies_until = :signs_from::timestamptz + :verifies_on::interval
WHERE verifies_until IS NULL AND signs_from < :signs_from::timestamptz;

-- name: delete_over!
-- tenants: all; the keys are the installation's
DELETE FROM signing_keys WHERE verifies_until <= now();
