-- Every query runs with the schema `connections` first on the search path.

-- name: list_entries
-- Of connections that the account is a party of, of its own stores, and what it did to a store in
-- its brand's name. Who takes away a proof is an account that those of the store do not know of.
-- Ids are in the order of time (UUIDv7).
WITH visible AS (
    SELECT e.*,
        CASE WHEN e.connection_id IS NOT NULL OR :account_id IN (e.account_id, e.actor_id)
             THEN coalesce(e.actor_id, e.account_id) END AS shown_actor
    FROM audit_entries e
    WHERE (:account_id IN (e.brand_id, e.three_pl_id)
            OR (e.connection_id IS NULL AND e.actor_id = :account_id))
        AND (:connection_id::uuid IS NULL OR e.connection_id = :connection_id::uuid)
        AND (:store_id::uuid IS NULL OR e.store_id = :store_id::uuid)
        AND (:action::text IS NULL OR e.action = :action::text)
        AND (:since::timestamptz IS NULL OR e.at >= :since::timestamptz)
        AND (:until::timestamptz IS NULL OR e.at < :until::timestamptz)
        AND (:after::uuid IS NULL OR e.id < :after::uuid)
)
SELECT v.id, v.at, v.connection_id, v.store_id, v.three_pl_id, v.action, v.before, v.after,
    a.id AS actor_id, a.kind AS actor_kind,
    CASE WHEN a.erased_at IS NULL THEN a.name END AS actor_name,
    CASE WHEN v.actor_id IS NOT NULL AND v.shown_actor IS NOT NULL
         THEN v.account_id END AS on_behalf_of
FROM visible v LEFT JOIN accounts a ON a.id = v.shown_actor
WHERE :actor_id::uuid IS NULL OR v.shown_actor = :actor_id::uuid
ORDER BY v.id DESC LIMIT :limit;
