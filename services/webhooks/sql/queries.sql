-- name: upsert_endpoints!
-- What connections.changed tells, unless a newer version told already. The state is ours.
INSERT INTO endpoints AS e (id, connection_id, three_pl_id, store_id, url, sealed_secrets, version)
SELECT id, connection_id, three_pl_id, store_id, url,
       ARRAY(SELECT json_array_elements_text(secrets::json)), version
FROM unnest(:ids::uuid[], :connections::uuid[], :three_pls::uuid[], :stores::uuid[],
            :urls::text[], :secrets::text[], :versions::int[])
     AS n (id, connection_id, three_pl_id, store_id, url, secrets, version)
ON CONFLICT (id) DO UPDATE SET
    url = excluded.url, sealed_secrets = excluded.sealed_secrets, version = excluded.version,
    updated_at = now()
WHERE e.version < excluded.version;

-- name: endpoints_of_ids
SELECT id, connection_id, three_pl_id, store_id, url, sealed_secrets, state
FROM endpoints WHERE id = ANY(:ids::uuid[]);

-- name: endpoints_updated
-- What another process may have changed; the overlap covers transactions that commit late.
SELECT id, connection_id, three_pl_id, store_id, url, sealed_secrets, state
FROM endpoints WHERE updated_at > now() - :seconds::float8 * interval '1 second';

-- name: insert_events
-- Events and their deliveries, once each however often they come. A delivery that this process
-- has room for is leased to it at once, unless an earlier one of its lane waits elsewhere.
WITH incoming AS (
    SELECT * FROM unnest(:deliveries::uuid[], :events::uuid[], :endpoints::uuid[],
                         :orders::uuid[], :sequences::int[], :stores::uuid[], :brands::uuid[],
                         :connections::uuid[], :three_pls::uuid[], :types::text[],
                         :bodies::bytea[], :traceparents::text[], :wanted::bool[])
        AS i (id, event_id, endpoint_id, order_id, sequence, store_id, brand_id,
              connection_id, three_pl_id, type, body, traceparent, wanted)
),
-- The unfinished deliveries before each in its lane: the last of them, whether one of them is not
-- this process's, and until when the lane has to wait.
earlier AS MATERIALIZED (
    SELECT i.id, max(d.sequence) AS behind,
           count(d.id) FILTER (WHERE d.lease_owner IS DISTINCT FROM :owner::uuid
                                     OR d.due_at < now()) > 0 AS elsewhere,
           max(d.due_at) FILTER (WHERE d.lease_owner IS NULL) AS due_at
    FROM incoming i
    LEFT JOIN deliveries d
        ON d.endpoint_id = i.endpoint_id AND d.order_id = i.order_id AND d.sequence < i.sequence
        AND d.state IN ('pending', 'retrying', 'parked')
    GROUP BY i.id
),
new_events AS (
    INSERT INTO events (id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
                        sequence, body, traceparent)
    SELECT event_id, order_id, store_id, brand_id, connection_id, three_pl_id, type,
           sequence, body, traceparent
    FROM incoming ON CONFLICT DO NOTHING
),
decided AS (
    SELECT i.id, i.event_id, i.endpoint_id, i.order_id, i.sequence,
           CASE WHEN e.state = 'disabled' THEN 'parked' ELSE 'pending' END AS state,
           i.wanted AND e.state = 'enabled' AND NOT b.elsewhere AS leased, b.due_at
    FROM incoming i
    JOIN earlier b ON b.id = i.id
    LEFT JOIN endpoints e ON e.id = i.endpoint_id
),
inserted AS (
    INSERT INTO deliveries (id, event_id, endpoint_id, order_id, sequence, state, due_at,
                            lease_owner)
    SELECT id, event_id, endpoint_id, order_id, sequence, state,
           CASE WHEN leased THEN now() + :lease_seconds::float8 * interval '1 second'
                ELSE greatest(now(), due_at) END,
           CASE WHEN leased THEN :owner::uuid END
    FROM decided
    ON CONFLICT (event_id, endpoint_id) DO NOTHING
    RETURNING id, state, lease_owner IS NOT NULL AS leased
)
SELECT n.id, n.state, n.leased, b.behind FROM inserted n JOIN earlier b ON b.id = n.id;

-- name: claim_due_deliveries
-- The heads of lanes that are due, for endpoints with room: a lease of their own, oldest first.
-- A delivery whose lease has run out is due again, whoever held it.
WITH wanted AS (
    SELECT * FROM unnest(:endpoints::uuid[], :firsts::int[], :retries::int[])
        AS w (endpoint_id, firsts, retries)
),
firsts AS MATERIALIZED (
    SELECT h.id FROM wanted w CROSS JOIN LATERAL (
        SELECT d.id FROM deliveries d
        WHERE d.endpoint_id = w.endpoint_id AND d.state = 'pending' AND d.due_at <= now()
          AND NOT EXISTS (SELECT FROM deliveries b
                          WHERE b.endpoint_id = d.endpoint_id AND b.order_id = d.order_id
                            AND b.sequence < d.sequence
                            AND b.state IN ('pending', 'retrying', 'parked'))
        ORDER BY d.due_at, d.id LIMIT w.firsts FOR UPDATE SKIP LOCKED) h
),
retries AS MATERIALIZED (
    SELECT h.id FROM wanted w CROSS JOIN LATERAL (
        SELECT d.id FROM deliveries d
        WHERE d.endpoint_id = w.endpoint_id AND d.state = 'retrying' AND d.due_at <= now()
          AND NOT EXISTS (SELECT FROM deliveries b
                          WHERE b.endpoint_id = d.endpoint_id AND b.order_id = d.order_id
                            AND b.sequence < d.sequence
                            AND b.state IN ('pending', 'retrying', 'parked'))
        ORDER BY d.due_at, d.id LIMIT w.retries FOR UPDATE SKIP LOCKED) h
),
claimed AS (
    UPDATE deliveries d
    SET due_at = now() + :lease_seconds::float8 * interval '1 second', lease_owner = :owner::uuid
    FROM (SELECT id FROM firsts UNION ALL SELECT id FROM retries) h
    WHERE d.id = h.id
    RETURNING d.id, d.event_id, d.endpoint_id, d.order_id, d.sequence, d.attempts
)
SELECT c.id, c.event_id, c.endpoint_id, c.order_id, c.sequence, c.attempts, e.body, e.traceparent,
       EXISTS (SELECT FROM deliveries f
               WHERE f.endpoint_id = c.endpoint_id AND f.order_id = c.order_id
                 AND f.sequence > c.sequence
                 AND f.state IN ('pending', 'retrying', 'parked')) AS followed
FROM claimed c JOIN events e ON e.id = c.event_id
ORDER BY c.event_id;

-- name: endpoints_with_work
-- Endpoints with a delivery that is due: one index probe for each (a loose index scan), however
-- many deliveries they have.
WITH RECURSIVE waiting AS (
    (SELECT endpoint_id, state FROM deliveries
     WHERE state IN ('pending', 'retrying') ORDER BY endpoint_id, state LIMIT 1)
    UNION ALL
    SELECT n.endpoint_id, n.state FROM waiting w CROSS JOIN LATERAL (
        SELECT d.endpoint_id, d.state FROM deliveries d
        WHERE d.state IN ('pending', 'retrying')
          AND (d.endpoint_id, d.state) > (w.endpoint_id, w.state)
        ORDER BY d.endpoint_id, d.state LIMIT 1) n
)
SELECT DISTINCT w.endpoint_id FROM waiting w
WHERE EXISTS (SELECT FROM deliveries d
              WHERE d.endpoint_id = w.endpoint_id AND d.state = w.state AND d.due_at <= now()
                AND d.state IN ('pending', 'retrying'));

-- name: record_attempts!
-- Outcomes of attempts: every attempt is kept; deliveries move on; what stands behind a failed
-- one waits as long as it does. A failure counts only under our lease: after it ran out somebody
-- else is at it. A success counts always. Of those behind, the ones that memory gave up lose their
-- lease; one that is just being stored keeps it, for memory may take it yet.
WITH outcome AS (
    SELECT * FROM unnest(:deliveries::uuid[], :numbers::int[], :states::text[], :waits::float8[],
                         :ats::timestamptz[], :durations::int[], :statuses::int[],
                         :errors::text[], :heads::text[])
        AS o (id, number, state, wait, at, duration_ms, status, error, response_head)
),
logged AS (
    INSERT INTO attempts (delivery_id, number, at, duration_ms, status, error, response_head)
    SELECT id, number, at, duration_ms, status, error, response_head FROM outcome
),
moved AS (
    UPDATE deliveries d
    SET state = o.state, attempts = o.number, lease_owner = NULL,
        due_at = now() + o.wait * interval '1 second',
        delivered_at = CASE WHEN o.state = 'delivered' THEN now() END
    FROM outcome o
    WHERE d.id = o.id AND d.state IN ('pending', 'retrying', 'parked')
      AND (o.state = 'delivered' OR d.lease_owner = :owner::uuid)
    RETURNING d.endpoint_id, d.order_id, d.sequence, d.state, d.due_at
)
UPDATE deliveries d SET lease_owner = NULL, due_at = m.due_at
FROM moved m
WHERE m.state = 'retrying' AND d.endpoint_id = m.endpoint_id AND d.order_id = m.order_id
  AND d.sequence > m.sequence AND d.state IN ('pending', 'retrying')
  AND (d.lease_owner IS NULL OR d.id = ANY(:followers::uuid[]));

-- name: release_deliveries!
-- Leases given back before their time.
UPDATE deliveries SET lease_owner = NULL, due_at = now()
WHERE id = ANY(:ids::uuid[]) AND lease_owner = :owner::uuid AND state IN ('pending', 'retrying');

-- name: disable_endpoints!
UPDATE endpoints SET state = 'disabled', disabled_reason = :reason, updated_at = now()
WHERE id = ANY(:ids::uuid[]) AND state = 'enabled';

-- name: park_deliveries!
-- Kept, in order, until somebody enables the endpoint.
UPDATE deliveries SET state = 'parked', lease_owner = NULL
WHERE endpoint_id = ANY(:ids::uuid[]) AND state IN ('pending', 'retrying');

-- name: backlog^
-- What is unfinished, counted up to a limit that keeps this cheap, and the age of its oldest.
SELECT count(*) AS deliveries,
       coalesce(extract(epoch FROM now() - min(created_at)), 0)::float8 AS oldest_seconds
FROM (SELECT created_at FROM deliveries WHERE state IN ('pending', 'retrying')
      LIMIT :limit::int) unfinished;

-- name: deliveries_of_three_pl
SELECT d.id, d.event_id, e.type, d.order_id, d.sequence, d.endpoint_id, e.connection_id, d.state,
       d.attempts, d.due_at, d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at
FROM events e JOIN deliveries d ON d.event_id = e.id
WHERE e.three_pl_id = :account
  AND (:after_event::uuid IS NULL
       OR (e.id <= :after_event AND (e.id, d.id) < (:after_event, :after_delivery::uuid)))
  AND (:connection::uuid IS NULL OR e.connection_id = :connection)
  AND (:order::uuid IS NULL OR e.order_id = :order)
  AND (:state::text IS NULL OR d.state = :state)
ORDER BY e.id DESC, d.id DESC LIMIT :limit;

-- name: deliveries_of_brand
SELECT d.id, d.event_id, e.type, d.order_id, d.sequence, d.endpoint_id, e.connection_id, d.state,
       d.attempts, d.due_at, d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at
FROM events e JOIN deliveries d ON d.event_id = e.id
WHERE e.brand_id = :account
  AND (:after_event::uuid IS NULL
       OR (e.id <= :after_event AND (e.id, d.id) < (:after_event, :after_delivery::uuid)))
  AND (:connection::uuid IS NULL OR e.connection_id = :connection)
  AND (:order::uuid IS NULL OR e.order_id = :order)
  AND (:state::text IS NULL OR d.state = :state)
ORDER BY e.id DESC, d.id DESC LIMIT :limit;

-- name: delivery_of_party^
SELECT d.id, d.event_id, e.type, d.order_id, d.sequence, d.endpoint_id, e.connection_id, d.state,
       d.attempts, d.due_at, d.lease_owner IS NOT NULL AS leased, d.created_at, d.delivered_at,
       e.body
FROM deliveries d JOIN events e ON e.id = d.event_id
WHERE d.id = :delivery_id AND :account IN (e.three_pl_id, e.brand_id);

-- name: attempts_of_delivery
SELECT number, at, duration_ms, status, error, response_head
FROM attempts WHERE delivery_id = :delivery_id ORDER BY id;
