-- Every query runs with the schema `connections` first on the search path.

-- name: insert_version!
INSERT INTO order_rules (connection_id, version, rules, default_action, set_by)
VALUES (:connection_id, :version, :rules, :default_action, :set_by);

-- name: get_newest^
SELECT r.version, r.rules, r.default_action, r.effective_at, r.set_by
FROM order_rules r JOIN connections c ON c.id = r.connection_id
WHERE r.connection_id = :connection_id AND :account_id IN (c.brand_id, c.three_pl_id)
ORDER BY r.version DESC LIMIT 1;

-- name: list_versions
SELECT r.version, r.rules, r.default_action, r.effective_at, r.set_by
FROM order_rules r JOIN connections c ON c.id = r.connection_id
WHERE r.connection_id = :connection_id AND :account_id IN (c.brand_id, c.three_pl_id)
    AND (:after::bigint IS NULL OR r.version < :after::bigint)
ORDER BY r.version DESC LIMIT :limit;

-- name: list_effective
-- tenants: the caller read the connection as a party's
-- Those of the period, and the one that counted when it began.
SELECT version, rules, default_action, effective_at
FROM order_rules
WHERE connection_id = :connection_id AND version >= coalesce(
    (SELECT max(version) FROM order_rules
     WHERE connection_id = :connection_id AND effective_at < now() - :period::interval), 0)
ORDER BY version;

-- name: erase
-- What its people wrote; that there were rules, and what counts where none fits, stays.
WITH emptied AS (
    UPDATE order_rules r SET rules = '[]'
    FROM connections c
    WHERE c.id = r.connection_id AND c.brand_id = :brand_id AND r.rules <> '[]'
    RETURNING r.connection_id)
SELECT DISTINCT connection_id FROM emptied ORDER BY connection_id;
