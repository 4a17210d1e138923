-- Every query runs with the schema `routing` first on the search path.

-- name: next_replay^
-- tenants: all; an operator asked for it
-- One order whose parked records are to be tried again; locked by `claim_replay`.
SELECT store_id, external_id FROM parked_records
WHERE replay_requested_at IS NOT NULL
ORDER BY replay_requested_at, id LIMIT 1;

-- name: claim_replay$
-- tenants: all; an operator asked for it
-- Whether its records are this process's to try (whoever has the first has all); if not, another
-- process has them, or they moved to another store. First the gate, as a batch and a move do it, of
-- every store and brand whose records may be here: nobody waits for it with parked records in hand.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(7301, slot)
    FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot
          FROM (SELECT :store_id::uuid AS store
                UNION SELECT unnest(ARRAY[id, brand_id]) FROM moved_stores
                      WHERE store_id = :store_id
                UNION SELECT brand_id FROM parked_records
                      WHERE store_id = :store_id AND external_id = :external_id) stores
          WHERE store IS NOT NULL
          ORDER BY slot) slots
)
SELECT true FROM parked_records
WHERE store_id = :store_id AND external_id = :external_id
  AND id = (SELECT min(id) FROM parked_records
            WHERE store_id = :store_id AND external_id = :external_id)
  AND (SELECT count(*) FROM gate) > 0
FOR UPDATE SKIP LOCKED;

-- name: records_of_order
-- tenants: all; an operator asked for it
SELECT id, topic, generation, partition, record_offset, store_id, external_id, headers, value, reason
FROM parked_records
WHERE store_id = :store_id AND external_id = :external_id AND id > :after
ORDER BY id LIMIT :limit FOR UPDATE;

-- name: unpark!
-- tenants: all; records that were just handled
DELETE FROM parked_records WHERE id = ANY(:ids::bigint[]);

-- name: fail_replay!
-- tenants: all; an operator asked for it
-- The first one says why it failed again; what is behind it goes on waiting.
UPDATE parked_records
SET replay_requested_at = NULL, replays = replays + 1,
    reason = CASE WHEN id = :failed THEN :reason ELSE reason END
WHERE store_id = :store_id AND external_id = :external_id;

-- name: count_parked^
-- tenants: all; a metric of the service
SELECT count(*) AS records, count(DISTINCT (store_id, external_id)) AS orders FROM parked_records;

-- name: list_parked
-- tenants: all; for the operator
SELECT id, store_id, external_id, reason, parked_at, replays, octet_length(value) AS bytes,
       replay_requested_at IS NOT NULL AS is_waiting_for_replay
FROM parked_records
WHERE (:store::uuid IS NULL OR store_id = :store::uuid) AND id > :after
ORDER BY id LIMIT :limit;

-- name: get_parked^
-- tenants: all; for the operator
SELECT id, topic, generation, partition, record_offset, store_id, external_id, headers, value, reason
FROM parked_records WHERE id = :id;

-- name: request_replay!
-- tenants: all; for the operator
-- An order is tried from its first record on, whichever was named: all of its records are marked.
UPDATE parked_records p SET replay_requested_at = now()
FROM (SELECT DISTINCT store_id, external_id FROM parked_records
      WHERE :ids::bigint[] IS NULL OR id = ANY(:ids::bigint[])) wanted
WHERE p.store_id = wanted.store_id AND p.external_id = wanted.external_id;

-- name: count_requested$
-- tenants: all; for the operator
SELECT count(*) FROM parked_records WHERE replay_requested_at IS NOT NULL;

-- name: drop_parked!
-- tenants: all; for the operator
DELETE FROM parked_records WHERE id = :id;
