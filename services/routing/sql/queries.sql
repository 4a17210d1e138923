-- name: lock_connections_of_stores
-- tenants: all; the records of a batch are of many
-- The connections of the stores of a batch, held against change until the batch commits: a
-- deactivation waits for the batch, and batches after it see the deactivation.
-- First the gate: row locks alone are not fair, readers without end would pass a switch that waits.
-- Advisory locks queue, so who comes after the switch waits behind it. The rows are locked besides:
-- that is what shows the newest state, whatever the statement saw when it began.
-- A store that moved opens more gates: that of the store that it counts for, and that of its brand,
-- for brands have gates as stores have. All here, for slots are taken in order. A row for each gate,
-- so that the caller knows which it has passed.
WITH gates AS MATERIALIZED (
    SELECT store FROM unnest(:stores::uuid[]) AS store
    UNION SELECT unnest(ARRAY[store_id, brand_id]) FROM moved_stores WHERE id = ANY(:stores::uuid[])
), gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(7301, slot)
    FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot FROM gates ORDER BY slot) slots
), locked AS MATERIALIZED (
    SELECT * FROM connections
    WHERE store_id = ANY(ARRAY(SELECT store FROM gates)) AND (SELECT count(*) FROM gate) > 0
    ORDER BY id FOR SHARE
)
SELECT gates.store AS gate, locked.* FROM gates LEFT JOIN locked ON locked.store_id = gates.store;

-- name: lock_connections_of_orders
-- tenants: the caller checks the orders that it locks next
-- The connections that own orders, held against change. Behind the same gates as a batch, in the same
-- order of slots.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(7301, slot)
    FROM (SELECT DISTINCT hashtext(store_id::text) & 1023 AS slot
          FROM orders WHERE id = ANY(:ids::uuid[]) ORDER BY slot) slots
)
SELECT * FROM connections
WHERE id IN (SELECT connection_id FROM orders WHERE id = ANY(:ids::uuid[]))
  AND (SELECT count(*) FROM gate) > 0
ORDER BY id FOR SHARE;

-- name: connection_versions
-- tenants: all; the records of a batch are of many
SELECT id, version FROM connections WHERE id = ANY(:ids::uuid[]);

-- name: lock_connections
-- tenants: all; the records of a batch are of many
-- Connections about to change: the gate closes, whoever holds them finishes, nobody passes.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock(7301, slot)
    FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot
          FROM unnest(:stores::uuid[]) AS store ORDER BY slot) slots
)
SELECT * FROM connections
WHERE id = ANY(:ids::uuid[]) AND (SELECT count(*) FROM gate) > 0
ORDER BY id FOR UPDATE;

-- name: connection_by_id^
-- tenants: all; the sweep
SELECT * FROM connections WHERE id = :connection_id;

-- name: upsert_connections!
INSERT INTO connections AS c (id, store_id, brand_id, three_pl_id, state, version, epoch,
                              priority, settings_version, shipping_rules_owner, billing_owner,
                              support_owner, endpoint_id, effective_at, changed_at, state_since,
                              order_rules)
SELECT * FROM unnest(:ids::uuid[], :stores::uuid[], :brands::uuid[], :three_pls::uuid[],
                     :states::text[], :versions::int[], :epochs::int[], :priorities::int[],
                     :settings_versions::int[], :shipping::text[], :billing::text[],
                     :support::text[], :endpoints::uuid[], :effective::timestamptz[],
                     :changed_at::timestamptz[], :state_since::timestamptz[],
                     :order_rules::text[])
ON CONFLICT (id) DO UPDATE SET
    -- A claim's connection moves with its store when the brand accepts it.
    store_id = excluded.store_id, brand_id = excluded.brand_id,
    state = excluded.state, version = excluded.version, epoch = excluded.epoch,
    priority = excluded.priority, settings_version = excluded.settings_version,
    shipping_rules_owner = excluded.shipping_rules_owner, billing_owner = excluded.billing_owner,
    support_owner = excluded.support_owner, endpoint_id = excluded.endpoint_id,
    effective_at = excluded.effective_at, changed_at = excluded.changed_at,
    state_since = excluded.state_since, order_rules = excluded.order_rules
WHERE c.version < excluded.version;

-- name: insert_settings!
-- tenants: all; what connections told of
-- Versions that are new, and for those that came too late: orders that were decided on before routing
-- knew of the settings that counted already when they were accepted keep what they have, and their
-- history says so. Found by the index of lists, which goes by when they were accepted.
WITH known_now AS (
    INSERT INTO settings (connection_id, version, shipping_rules_owner, billing_owner,
                          support_owner, endpoint_id, effective_at)
    SELECT * FROM unnest(:connections::uuid[], :versions::int[], :shipping::text[],
                         :billing::text[], :support::text[], :endpoints::uuid[],
                         :effective::timestamptz[])
    ON CONFLICT (connection_id, version) DO NOTHING
    RETURNING connection_id, version, effective_at
)
INSERT INTO order_history (order_id, kind, sequence, status, connection_id, why)
SELECT o.id, 'settings_late', o.sequence, o.status, o.connection_id,
       json_build_object('reason', 'newer settings counted already, and were known too late',
                         'bound', o.settings_version, 'counted', late.version)::text
FROM (SELECT DISTINCT ON (k.connection_id) k.*, t.three_pl_id
      FROM known_now k
      JOIN unnest(:connections::uuid[], :versions::int[], :three_pls::uuid[])
          AS t (connection_id, version, three_pl_id) USING (connection_id, version)
      ORDER BY k.connection_id, k.version) late
JOIN orders o ON o.three_pl_id = late.three_pl_id AND o.connection_id = late.connection_id
             AND o.accepted_at >= late.effective_at
             AND o.settings_version < late.version;

-- name: settings_of_connections
-- tenants: all; the records of a batch are of many
SELECT connection_id, version AS settings_version, shipping_rules_owner, billing_owner,
       support_owner, endpoint_id, effective_at
FROM settings WHERE connection_id = ANY(:connections::uuid[]);

-- name: insert_handovers!
-- The durable record that a sweep is to be done; from this commit on the invariant holds by it.
INSERT INTO handovers (id, connection_id, brand_id, three_pl_id, epoch, reason, state)
SELECT *, 'running' FROM unnest(:ids::uuid[], :connections::uuid[], :brands::uuid[],
                                :three_pls::uuid[], :epochs::int[], :reasons::text[])
ON CONFLICT (connection_id, epoch, is_whole) DO NOTHING;

-- name: claim_handover^
-- tenants: all; the sweep
-- The hand-over whose turn it is; another process's is passed over. Each goes to the end of the line
-- after its chunk, so that a large one does not keep the others waiting.
SELECT id, connection_id, brand_id, three_pl_id, epoch, reason, is_whole
FROM handovers WHERE state = 'running' AND next_attempt_at <= now()
ORDER BY next_attempt_at, id LIMIT 1 FOR UPDATE SKIP LOCKED;

-- name: lock_orders_to_hand_back
-- tenants: all; the sweep
-- The next chunk of what may go back, bounded in orders and in bytes (one is always in it);
-- `services.routing.handover` decides on each. A count, not a join: joined by id, stale statistics
-- make it a nested loop over the square of the chunk (5,000 orders: 39 s, against 15 ms).
WITH candidates AS (
    SELECT id, sum(payload_bytes) OVER (ORDER BY id) - payload_bytes AS bytes_before
    FROM orders
    WHERE connection_id = :connection_id AND status IN ('open', 'on_hold') AND epoch <= :epoch
    ORDER BY id LIMIT :chunk
)
SELECT *, CASE WHEN status = 'on_hold' THEN standing_holds(id) END AS holds FROM orders
WHERE connection_id = :connection_id AND status IN ('open', 'on_hold') AND epoch <= :epoch
ORDER BY id LIMIT (SELECT count(*) FROM candidates WHERE bytes_before < :most_bytes) FOR UPDATE;

-- name: lock_worked_orders_to_hand_back
-- tenants: all; the sweep
-- The same of what is being worked or on its way, by its own index: after the erasure of a 3PL.
WITH candidates AS (
    SELECT id, sum(payload_bytes) OVER (ORDER BY id) - payload_bytes AS bytes_before
    FROM orders
    WHERE connection_id = :connection_id AND epoch <= :epoch
      AND status IN ('processing', 'shipped', 'cancellation_requested')
    ORDER BY id LIMIT :chunk
)
SELECT *, NULL AS holds FROM orders
WHERE connection_id = :connection_id AND epoch <= :epoch
  AND status IN ('processing', 'shipped', 'cancellation_requested')
ORDER BY id LIMIT (SELECT count(*) FROM candidates WHERE bytes_before < :most_bytes) FOR UPDATE;

-- name: progress_handover!
-- tenants: all; the sweep
UPDATE handovers
SET returned = returned + :returned, next_attempt_at = clock_timestamp(), failures = 0,
    last_error = NULL
WHERE id = :handover_id;

-- name: postpone_handover$
-- tenants: all; the sweep
-- It failed: it waits by itself, longer each time, while the others go on.
UPDATE handovers
SET failures = failures + 1, last_error = :error,
    next_attempt_at = clock_timestamp()
        + least(power(2, failures), :most_seconds::float8) * interval '1 second'
WHERE id = :handover_id
RETURNING failures;

-- name: finish_handover^
-- tenants: all; the sweep
UPDATE handovers SET state = 'done', finished_at = now(), stayed = (
    SELECT count(*) FROM orders
    WHERE orders.connection_id = handovers.connection_id AND orders.epoch <= handovers.epoch
      AND orders.status IN ('processing', 'shipped', 'cancellation_requested'))
WHERE id = :handover_id RETURNING returned, stayed, finished_at;

-- name: lock_orders
-- tenants: all; the records of a batch are of many
-- The known orders among the keys of a batch, locked in id order as the sweep locks them, so
-- that the two never deadlock.
SELECT o.*, CASE WHEN o.status = 'on_hold' THEN standing_holds(o.id) END AS holds
FROM unnest(:stores::uuid[], :external_ids::text[]) AS k(store_id, external_id)
JOIN orders o ON o.store_id = k.store_id AND o.external_id = k.external_id
ORDER BY o.id FOR UPDATE OF o;

-- name: lock_orders_by_id
-- tenants: the caller compares brand and 3PL with the account before it says anything
SELECT *, CASE WHEN status = 'on_hold' THEN standing_holds(id) END AS holds
FROM orders WHERE id = ANY(:ids::uuid[]) ORDER BY id FOR UPDATE;

-- name: write_orders
-- tenants: all; the records of a batch are of many
-- The newest state of orders, new or known and locked, the lines of their history, and what is told
-- of them (`shared/postgres/outbox.py`). Of each whether it is new: one that another process entered
-- at the same moment has the same id. If it has an id of before, (store_id, external_id) collides.
WITH history AS (
    INSERT INTO order_history (order_id, kind, event, sequence, status, connection_id, why, at)
    SELECT order_id, kind, event, sequence, status, connection_id, why, coalesce(at, now())
    FROM unnest(:line_orders::uuid[], :kinds::text[], :events::text[], :line_sequences::int[],
                :line_statuses::text[], :line_connections::uuid[], :whys::text[],
                :line_times::timestamptz[])
        AS line (order_id, kind, event, sequence, status, connection_id, why, at)
), told AS (
    INSERT INTO outbox (topic, key, headers, value)
    SELECT * FROM unnest(:topics::text[], :keys::text[], :headers::text[], :values::bytea[])
)
INSERT INTO orders (id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch,
                    settings_version, shipping_rules_owner, billing_owner, support_owner,
                    endpoint_id, status, version, sequence, source_updated_at, content_hash,
                    payload, payload_bytes, accepted_at, source_created_at, number, total,
                    currency, cancel_too_late, tombstone, log_generation, log_partition, log_offset,
                    source_received_at, words, shipments, shipments_version)
SELECT * FROM unnest(:ids::uuid[], :stores::uuid[], :external_ids::text[], :brands::uuid[],
                     :three_pls::uuid[], :connections::uuid[], :epochs::int[],
                     :settings_versions::int[], :shipping::text[], :billing::text[],
                     :support::text[], :endpoints::uuid[], :statuses::text[],
                     :versions::int[], :sequences::int[], :source_updated::timestamptz[],
                     :hashes::bytea[], :payloads::json[], :payload_bytes::int[],
                     :accepted::timestamptz[], :source_created::timestamptz[], :numbers::text[],
                     :totals::text[], :currencies::text[], :too_late::bool[], :tombstones::bool[],
                     :log_generations::int[], :log_partitions::int[], :log_offsets::bigint[],
                     :source_received::timestamptz[], :words::text[], :shipments::text[],
                     :shipments_versions::bigint[])
ON CONFLICT (id) DO UPDATE SET
    connection_id = excluded.connection_id, epoch = excluded.epoch,
    settings_version = excluded.settings_version,
    shipping_rules_owner = excluded.shipping_rules_owner, billing_owner = excluded.billing_owner,
    support_owner = excluded.support_owner, endpoint_id = excluded.endpoint_id,
    status = excluded.status, version = excluded.version, sequence = excluded.sequence,
    source_updated_at = excluded.source_updated_at, content_hash = excluded.content_hash,
    payload = excluded.payload, payload_bytes = excluded.payload_bytes,
    source_created_at = excluded.source_created_at, number = excluded.number,
    total = excluded.total, currency = excluded.currency,
    cancel_too_late = excluded.cancel_too_late,
    tombstone = excluded.tombstone, log_generation = excluded.log_generation,
    log_partition = excluded.log_partition, log_offset = excluded.log_offset,
    source_received_at = excluded.source_received_at, words = excluded.words, shipments = excluded.shipments,
    shipments_version = excluded.shipments_version, updated_at = now()
RETURNING old.id IS NULL AS is_new;

-- name: place_holds!
-- tenants: all; the records of a batch are of many
INSERT INTO holds (id, order_id, kind, note, release_by, placed_by, placed_at)
SELECT * FROM unnest(:ids::uuid[], :orders::uuid[], :kinds::text[], :notes::text[],
                     :release_by::text[], :placed_by::uuid[], :placed_at::timestamptz[]);

-- name: lift_holds!
-- tenants: all; of orders that the same session locked and decided on
UPDATE holds SET lifted_at = now() WHERE id = ANY(:ids::uuid[]);

-- name: note_stale!
-- tenants: all; the records of a batch are of many
-- One line for all the stale messages that meet an order between two events, with their number.
INSERT INTO order_history AS h (order_id, kind, sequence, status, connection_id, why, times)
SELECT order_id, 'stale', sequence, status, connection_id, why, times
FROM unnest(:orders::uuid[], :sequences::int[], :statuses::text[], :connections::uuid[],
            :whys::text[], :times::int[]) AS s (order_id, sequence, status, connection_id, why, times)
ON CONFLICT (order_id, sequence) WHERE kind = 'stale'
DO UPDATE SET times = h.times + excluded.times, at = now(), why = excluded.why;

-- name: moved_and_parked
-- tenants: all; the records of a batch are of many
-- Which stores of a batch have moved (no external id), which orders have a parked record: what comes
-- later has to wait behind it; and which brands were erased (no store). The lock waits for a replay
-- that is at it. Asked behind the gates: no store moves and no brand is erased from here on.
-- The positions move here, because this is asked once for each batch: only from where they are
-- believed to be.
WITH stepped AS (
    UPDATE positions p
    SET next_offset = s.after, record_id = s.record_id, moved_at = now()
    FROM unnest(:partitions::int[], :befores::bigint[], :generations::int[], :afters::bigint[],
                :record_ids::text[]) AS s (partition, before, generation, after, record_id)
    WHERE p.topic = :topic AND p.partition = s.partition AND p.next_offset = s.before
        AND p.generation = s.generation
    RETURNING p.partition
), moved AS MATERIALIZED (
    SELECT id, store_id, brand_id FROM moved_stores WHERE id = ANY(:stores::uuid[])
), parked AS MATERIALIZED (
    SELECT p.store_id, p.external_id
    FROM unnest(:stores::uuid[], :external_ids::text[]) AS k (store_id, external_id)
    LEFT JOIN moved ON moved.id = k.store_id
    JOIN parked_records p ON p.store_id = coalesce(moved.store_id, k.store_id)
                         AND p.external_id = k.external_id
    FOR SHARE OF p
)
SELECT id, store_id, brand_id, NULL AS external_id, NULL::bigint AS moved FROM moved
UNION ALL
SELECT NULL, store_id, NULL, external_id, NULL FROM parked
UNION ALL
SELECT NULL, NULL, account_id, NULL, NULL FROM erased_accounts
WHERE account_id = ANY(:brands::uuid[] || ARRAY(SELECT brand_id FROM moved))
UNION ALL
SELECT NULL, NULL, NULL, NULL, count(*) FROM stepped;

-- name: park!
-- tenants: all; the records of a batch are of many
-- A record that is read again, after a crash, is parked already.
INSERT INTO parked_records (topic, generation, partition, record_offset, store_id, external_id,
                            brand_id, headers, value, reason)
SELECT * FROM unnest(:topics::text[], :generations::int[], :partitions::int[], :offsets::bigint[],
                     :stores::uuid[], :external_ids::text[], :brands::uuid[], :headers::text[],
                     :values::bytea[], :reasons::text[])
ON CONFLICT (topic, partition, generation, record_offset) DO NOTHING;
