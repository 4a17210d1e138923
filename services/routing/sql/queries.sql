-- name: lock_connections_of_stores
-- tenants: all; the records of a batch are of many
-- The connections of the stores of a batch, held against change until the batch commits: a
-- deactivation waits for the batch, and batches after it see the deactivation.
-- First the gate: row locks alone are not fair, readers without end would pass a switch that waits.
-- Advisory locks queue, so who comes after the switch waits behind it. The rows are locked besides:
-- that is what shows the newest state, whatever the statement saw when it began.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(7301, slot)
    FROM (SELECT DISTINCT hashtext(store::text) & 1023 AS slot
          FROM unnest(:stores::uuid[]) AS store ORDER BY slot) slots
)
SELECT * FROM connections
WHERE store_id = ANY(:stores::uuid[]) AND (SELECT count(*) FROM gate) > 0
ORDER BY id FOR SHARE;

-- name: lock_connection_of_order^
-- tenants: the caller checks the order that it locks next
-- The connection that owns an order, held against change; none when the brand owns it. Behind the
-- same gate as a batch.
WITH gate AS MATERIALIZED (
    SELECT pg_advisory_xact_lock_shared(7301, hashtext(store_id::text) & 1023)
    FROM orders WHERE id = :order_id
)
SELECT c.* FROM orders o JOIN connections c ON c.id = o.connection_id
WHERE o.id = :order_id AND (SELECT count(*) FROM gate) > 0 FOR SHARE OF c;

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
                              priority, settings_version, endpoint_id, changed_at)
SELECT * FROM unnest(:ids::uuid[], :stores::uuid[], :brands::uuid[], :three_pls::uuid[],
                     :states::text[], :versions::int[], :epochs::int[], :priorities::int[],
                     :settings_versions::int[], :endpoints::uuid[], :changed_at::timestamptz[])
ON CONFLICT (id) DO UPDATE SET
    state = excluded.state, version = excluded.version, epoch = excluded.epoch,
    priority = excluded.priority, settings_version = excluded.settings_version,
    endpoint_id = excluded.endpoint_id, changed_at = excluded.changed_at
WHERE c.version < excluded.version;

-- name: insert_settings!
INSERT INTO settings (connection_id, version, shipping_rules_owner, billing_owner,
                      support_owner, endpoint_id)
SELECT * FROM unnest(:connections::uuid[], :versions::int[], :shipping::text[],
                     :billing::text[], :support::text[], :endpoints::uuid[])
ON CONFLICT DO NOTHING;

-- name: insert_handovers!
-- The durable record that a sweep is to be done; from this commit on the invariant holds by it.
INSERT INTO handovers (id, connection_id, brand_id, three_pl_id, epoch, reason, state)
SELECT *, 'running' FROM unnest(:ids::uuid[], :connections::uuid[], :brands::uuid[],
                                :three_pls::uuid[], :epochs::int[], :reasons::text[])
ON CONFLICT (connection_id, epoch) DO NOTHING;

-- name: claim_handover^
-- tenants: all; the sweep
-- The hand-over whose turn it is; another process's is passed over. Each goes to the end of the line
-- after its chunk, so that a large one does not keep the others waiting.
SELECT id, connection_id, brand_id, three_pl_id, epoch, reason
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
SELECT * FROM orders
WHERE connection_id = :connection_id AND status IN ('open', 'on_hold') AND epoch <= :epoch
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

-- name: finish_handover!
-- tenants: all; the sweep
UPDATE handovers SET state = 'done', finished_at = now(), stayed = (
    SELECT count(*) FROM orders
    WHERE orders.connection_id = handovers.connection_id AND orders.epoch <= handovers.epoch
      AND orders.status IN ('processing', 'shipped', 'cancellation_requested'))
WHERE id = :handover_id;

-- name: lock_orders
-- tenants: all; the records of a batch are of many
-- The known orders among the keys of a batch, locked in id order as the sweep locks them, so
-- that the two never deadlock.
SELECT o.*
FROM unnest(:stores::uuid[], :external_ids::text[]) AS k(store_id, external_id)
JOIN orders o ON o.store_id = k.store_id AND o.external_id = k.external_id
ORDER BY o.id FOR UPDATE OF o;

-- name: lock_order^
-- tenants: the caller compares brand and 3PL with the account before it says anything
SELECT * FROM orders WHERE id = :order_id FOR UPDATE;

-- name: write_orders!
-- tenants: all; the records of a batch are of many
-- The newest state of orders, new or known and locked, and the lines of their history. Another
-- process that entered the same order at the same moment makes (store_id, external_id) collide.
WITH history AS (
    INSERT INTO order_history (order_id, kind, event, sequence, status, connection_id, why)
    SELECT * FROM unnest(:line_orders::uuid[], :kinds::text[], :events::text[],
                         :line_sequences::int[], :line_statuses::text[],
                         :line_connections::uuid[], :whys::text[])
)
INSERT INTO orders (id, store_id, external_id, brand_id, three_pl_id, connection_id, epoch,
                    settings_version, endpoint_id, status, version, sequence, source_updated_at,
                    content_hash, payload, payload_bytes, cancel_too_late, tombstone)
SELECT * FROM unnest(:ids::uuid[], :stores::uuid[], :external_ids::text[], :brands::uuid[],
                     :three_pls::uuid[], :connections::uuid[], :epochs::int[],
                     :settings_versions::int[], :endpoints::uuid[], :statuses::text[],
                     :versions::int[], :sequences::int[], :source_updated::timestamptz[],
                     :hashes::bytea[], :payloads::json[], :payload_bytes::int[],
                     :too_late::bool[], :tombstones::bool[])
ON CONFLICT (id) DO UPDATE SET
    connection_id = excluded.connection_id, epoch = excluded.epoch,
    settings_version = excluded.settings_version, endpoint_id = excluded.endpoint_id,
    status = excluded.status, version = excluded.version, sequence = excluded.sequence,
    source_updated_at = excluded.source_updated_at, content_hash = excluded.content_hash,
    payload = excluded.payload, payload_bytes = excluded.payload_bytes,
    cancel_too_late = excluded.cancel_too_late,
    tombstone = excluded.tombstone, updated_at = now();

-- name: orders_of_brand
SELECT * FROM order_summaries
WHERE brand_id = :account
  AND (:after::uuid IS NULL OR id < :after)
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
  AND (:store::uuid IS NULL OR store_id = :store)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
ORDER BY id DESC LIMIT :limit;

-- name: orders_of_three_pl
SELECT * FROM order_summaries
WHERE three_pl_id = :account AND connection_id IS NOT NULL
  AND (:after::uuid IS NULL OR id < :after)
  AND (:statuses::text[] IS NULL OR status = ANY(:statuses))
  AND (:store::uuid IS NULL OR store_id = :store)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:updated_after::timestamptz IS NULL OR updated_at > :updated_after)
ORDER BY id DESC LIMIT :limit;

-- name: order_of_party^
SELECT s.*, o.payload, o.cancel_too_late
FROM order_summaries s JOIN orders o USING (id)
WHERE o.id = :order_id
  AND (o.brand_id = :account OR (o.three_pl_id = :account AND o.connection_id IS NOT NULL));

-- name: history_of_order
-- tenants: whoever asks was shown the order in the same session (order_of_party)
SELECT id, at, kind, event, sequence, status, connection_id, why
FROM order_history WHERE order_id = :order_id AND id > :after ORDER BY id LIMIT :limit;

-- name: preview_handover^
-- What ending the connection now would return and what would stay; none for strangers. Two counts,
-- each by an index of its own.
SELECT c.id AS connection_id, c.state, c.version, c.epoch,
       (SELECT count(*) FROM orders o
        WHERE o.connection_id = c.id AND o.status IN ('open', 'on_hold')) AS would_return,
       (SELECT count(*) FROM orders o WHERE o.connection_id = c.id
        AND o.status IN ('processing', 'shipped', 'cancellation_requested')) AS would_stay
FROM connections c
WHERE c.id = :connection AND (c.brand_id = :account OR c.three_pl_id = :account);

-- name: handovers_of_party
SELECT id, connection_id, epoch, reason, state, returned, stayed, started_at, finished_at
FROM handovers
WHERE (brand_id = :account OR three_pl_id = :account)
  AND (:connection::uuid IS NULL OR connection_id = :connection)
  AND (:after::uuid IS NULL OR id < :after)
ORDER BY id DESC LIMIT :limit;
